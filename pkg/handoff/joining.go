package handoff

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/okd-install/okd-install/pkg/kube"
)

var infrastructures = kube.Kind{Group: "config.openshift.io", Version: "v1", Plural: "infrastructures"}

// joining says how many masters have joined. While there is none, it looks up the name from which they fetch their
// configuration: on platforms where the user's DNS has it, machines wait for it for ever, and say so on their consoles
// only.
func (w *Watcher) joining(ctx context.Context) string {
	nodes, err := w.nodes(ctx)
	if err != nil {
		return "" // the next look says why
	}
	masters := 0
	for _, n := range nodes {
		if _, master := n.Labels["node-role.kubernetes.io/master"]; master {
			masters++
		}
	}
	if masters > 0 {
		return fmt.Sprintf("; masters that have joined: %d", masters)
	}
	const none = "; no master has joined"
	var infra struct {
		Status struct {
			APIServerInternalURI string
			PlatformStatus       struct{ Type string }
		}
	}
	if w.API.Get(ctx, infrastructures.Ref("", "cluster"), &infra) != nil {
		return none
	}
	internal, err := url.Parse(infra.Status.APIServerInternalURI)
	if kind := infra.Status.PlatformStatus.Type; err != nil || kind != "None" && kind != "External" {
		return none
	}
	resolve := w.Resolve
	if resolve == nil {
		resolve = net.DefaultResolver.LookupHost
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := resolve(ctx, internal.Hostname()); err != nil {
		// The words stay the same from look to look: a wait takes new ones for progress, and network errors name ports.
		why := "cannot be resolved"
		if dns := (*net.DNSError)(nil); errors.As(err, &dns) && dns.IsNotFound {
			why = "has no address"
		}
		return none + ": " + internal.Hostname() + ", from which machines fetch their configuration, " + why +
			" as seen from here"
	}
	return none
}
