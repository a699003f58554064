package clusterbootstrap

import (
	"fmt"
	"strings"
)

// requiredPod must run before the temporary control plane may go.
type requiredPod struct {
	name string
	any  []podPrefix
}

// podPrefix matches pods of a namespace by the beginning of their name.
type podPrefix struct{ namespace, prefix string }

// parsePods reads the flag --required-pods: namespace/prefix, separated by
// commas; each may carry a description and a colon in front and alternatives
// separated by |.
func parsePods(list []string) ([]requiredPod, error) {
	var out []requiredPod
	for _, item := range list {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		p := requiredPod{name: item}
		if name, rest, ok := strings.Cut(item, ":"); ok {
			p.name, item = name, rest
		}
		for _, alternative := range strings.Split(item, "|") {
			ns, prefix, ok := strings.Cut(alternative, "/")
			if !ok || ns == "" || prefix == "" {
				return nil, fmt.Errorf("parse required pod %q: want namespace/prefix", alternative)
			}
			p.any = append(p.any, podPrefix{ns, prefix})
		}
		out = append(out, p)
	}
	return out, nil
}
