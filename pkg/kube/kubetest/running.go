package kubetest

import (
	_ "embed" // the objects

	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed running.yaml
var running []byte

// Running are the objects of a cluster that runs, as far as hosts that join it need them. It is
// demo.okd.test, with three masters and a worker, a mirror, a proxy and an authority of its own. The
// documents of running.yaml are the objects, each with its path in the comment of its first line.
func Running() Objects {
	out := Objects{}
	lists := map[string][]object{}
	for text := range strings.SplitSeq("\n"+string(running), "\n# ") {
		path, manifest, found := strings.Cut(text, "\n")
		if !found || !strings.HasPrefix(path, "/") {
			continue
		}
		var o object
		if err := yaml.Unmarshal([]byte(manifest), &o); err != nil {
			panic(fmt.Sprintf("running.yaml: %s: %v", path, err)) // the file is embedded
		}
		out[path] = o
		of := path[:strings.LastIndex(path, "/")]
		lists[of] = append(lists[of], o)
	}
	for path, items := range lists {
		if _, own := out[path]; own || path == "" {
			continue
		}
		out[path] = list(items...)
	}
	return out
}
