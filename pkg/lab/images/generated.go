package images

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
)

// nodeTag is the tag of the OS that nodes have.
const nodeTag = "stream-coreos"

// generated are the images whose content comes from the OS image's stream
// metadata: what the installer and day-2 tools read boot media from.
func generated(in Inputs) []component.Component {
	stream := component.File{Path: "/coreos/coreos-stream.json", Data: in.Stream}
	return []component.Component{
		{
			Tag:       "installer",
			Operator:  true,
			Files:     []component.File{stream},
			Manifests: component.Map(map[string][]byte{"0000_50_installer_coreos-bootimages.yaml": bootImages(in)}),
		},
		{Tag: "machine-os-images", Files: []component.File{stream}},
		{Tag: nodeTag, Files: []component.File{stream}, Versions: "machine-os=" + in.Version},
	}
}

// bootImages is the ConfigMap that tells which OS images go with the release.
func bootImages(in Inputs) []byte {
	indent := func(s string) string { return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ") }
	name, _ := json.Marshal(in.Version)
	return fmt.Appendf(nil, `apiVersion: v1
kind: ConfigMap
metadata:
  name: coreos-bootimages
  namespace: openshift-machine-config-operator
  annotations:
    include.release.openshift.io/self-managed-high-availability: "true"
data:
  releaseVersion: %s
  stream: |
%s
`, name, indent(string(in.Stream)))
}
