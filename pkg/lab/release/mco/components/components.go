// Package components describes the images of the machine config operator and
// of the on-node services. It holds data only.
package components

import (
	"embed"
	"io/fs"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

//go:embed manifests
var manifests embed.FS

// Components are the images machine-config-operator and baremetal-runtimecfg
// of a version. Those of keepalived, haproxy and CoreDNS hold upstream programs
// only.
func Components(version string) []component.Component {
	tree, err := fs.Sub(manifests, "manifests")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	programs := links("/usr/bin/machine-config-operator", "/usr/bin/machine-config-controller",
		"/usr/bin/machine-config-server", "/usr/bin/machine-config-daemon")
	if contract.Since(version, "5.0") {
		programs = append(programs, links("/usr/bin/machine-config-osimagestream")...)
	}
	return []component.Component{
		{
			Tag:       "machine-config-operator",
			Binaries:  programs,
			Manifests: tree,
			Operator:  true,
		},
		{
			Tag:      "baremetal-runtimecfg",
			Binaries: links("/usr/bin/runtimecfg", "/usr/bin/dynkeepalived", "/usr/bin/monitor", "/usr/bin/corednsmonitor"),
			Packages: []string{"/usr/sbin/nft"},
		},
	}
}

func links(paths ...string) []component.Link {
	out := make([]component.Link, 0, len(paths))
	for _, p := range paths {
		out = append(out, component.Link{Path: p, Binary: component.LabRelease})
	}
	return out
}
