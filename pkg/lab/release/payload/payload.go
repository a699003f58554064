// Package payload lists the components of the lab release, without the operators'
// code, for the image builder.
package payload

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/release/gates"
)

// Components are all images of a version besides the release image, by tag.
func Components(version string) ([]component.Component, error) {
	api, err := configAPI(version)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(programs(), operators(version), named(version))
	all = append(all, api)
	slices.SortFunc(all, func(a, b component.Component) int { return strings.Compare(a.Tag, b.Tag) })
	return all, nil
}

// named are components that nothing runs, whose tags readers look for.
func named(version string) []component.Component {
	var out []component.Component
	for _, c := range []struct{ tag, since string }{{"docker-registry", "4.21"}, {"apiserver-network-proxy", "5.0"}} {
		if contract.Since(version, c.since) {
			out = append(out, component.Component{Tag: c.tag})
		}
	}
	return out
}

// kubernetes is the annotation with the Kubernetes version.
const kubernetes = "kubernetes=1.34.3,kubectl=1.34.3"

// programs are the images of upstream programs, which operators run.
func programs() []component.Component {
	return []component.Component{
		{Tag: "pod", Binaries: links(component.Pod, "/usr/bin/pod")},
		{Tag: "hyperkube", Versions: kubernetes, Binaries: links(component.Hyperkube,
			"/usr/bin/kube-apiserver", "/usr/bin/kube-controller-manager", "/usr/bin/kube-scheduler",
			"/usr/bin/kubelet", "/usr/bin/kubectl")},
		{Tag: "kube-proxy", Binaries: links(component.Hyperkube, "/usr/bin/kube-proxy"),
			// kube-proxy's nftables mode runs nft; conntrack clears stale flows.
			Packages: []string{"/usr/sbin/nft", "/usr/sbin/conntrack"}},
		// The approver of agent-based installations is a shell script.
		{Tag: "cli", Binaries: links(component.Hyperkube, "/usr/bin/oc", "/usr/bin/kubectl"),
			Packages: []string{"/bin/bash", "/bin/sleep", "/usr/bin/tee"}, Manifests: dir("cli"), Operator: true},
		{Tag: "etcd", Binaries: links(component.Etcd, "/usr/bin/etcd", "/usr/bin/etcdctl")},
		// The first link's program starts the other's, or installs them on the node.
		{Tag: "multus-cni", Versions: "multus=4.2.3", Binaries: append(links(component.LabRelease,
			"/usr/bin/multus-entrypoint"), links(component.MultusCNI, "/usr/bin/multus-cni")...)},
		{Tag: "container-networking-plugins", Versions: "cni-plugins=1.8.0", Binaries: append(links(component.LabRelease,
			"/usr/bin/cni-plugins-install"), links(component.CNIPlugins, "/usr/bin/cni-plugins")...)},
		{Tag: "coredns", Binaries: links(component.CoreDNS, "/usr/bin/coredns")},
		{Tag: "operator-registry", Binaries: links(component.OPM, "/usr/bin/opm")},
		{Tag: "keepalived-ipfailover", Packages: []string{"/usr/sbin/keepalived", "/bin/sh", "/usr/bin/curl"},
			Binaries:   links(component.LabRelease, "/usr/bin/okd-lab-release"),
			Entrypoint: []string{"/usr/sbin/keepalived"}},
		{Tag: "haproxy-router", Packages: []string{"/usr/sbin/haproxy"},
			Binaries:   links(component.LabRelease, "/usr/bin/openshift-router"),
			Entrypoint: []string{"/usr/bin/openshift-router"}},
	}
}

// operators are the images of the multi-call binary.
func operators(version string) []component.Component {
	machineConfig := operator("machine-config-operator", "/usr/bin/machine-config-operator",
		"/usr/bin/machine-config-controller", "/usr/bin/machine-config-server", "/usr/bin/machine-config-daemon")
	if contract.Since(version, "5.0") {
		machineConfig.Binaries = append(machineConfig.Binaries,
			links(component.LabRelease, "/usr/bin/machine-config-osimagestream")...)
	}
	// Its agents set routes and rules.
	network := operator("cluster-network-operator", "/usr/bin/cluster-network-operator", "/usr/bin/network-node")
	network.Packages = []string{"/usr/sbin/ip", "/usr/sbin/nft"}
	onPrem := operator("baremetal-runtimecfg",
		"/usr/bin/runtimecfg", "/usr/bin/dynkeepalived", "/usr/bin/monitor", "/usr/bin/corednsmonitor")
	onPrem.Packages = []string{"/usr/sbin/nft"}
	return []component.Component{
		versionOperator(), machineConfig, network, onPrem,
		operator("cluster-bootstrap", "/usr/bin/cluster-bootstrap"),
		operator("cluster-etcd-operator", "/usr/bin/cluster-etcd-operator", "/usr/bin/discover-etcd-initial-cluster"),
		operator("cluster-kube-apiserver-operator", "/usr/bin/cluster-kube-apiserver-operator"),
		operator("cluster-kube-controller-manager-operator", "/usr/bin/cluster-kube-controller-manager-operator"),
		operator("cluster-kube-scheduler-operator", "/usr/bin/cluster-kube-scheduler-operator"),
		operator("cluster-config-operator", "/usr/bin/cluster-config-operator"),
		operator("cluster-authentication-operator", "/usr/bin/authentication-operator"),
		operator("cluster-ingress-operator", "/usr/bin/ingress-operator"),
		operator("console", "/usr/bin/console"),
		operator("operator-lifecycle-manager", "/usr/bin/olm", "/usr/bin/cpb", "/usr/bin/bundle-extract"),
		marketplace(version),
	}
}

// openShiftHub is the OperatorHub that OKD 4.21 came with: all default catalogs.
const openShiftHub = `apiVersion: config.openshift.io/v1
kind: OperatorHub
metadata:
  name: cluster
  annotations:
    include.release.openshift.io/self-managed-high-availability: "true"
    release.openshift.io/create-only: "true"
spec: {}
`

// marketplace has manifests only: the lifecycle manager's process does its work.
func marketplace(version string) component.Component {
	c := operator("operator-marketplace")
	if release, err := contract.Of(version); err != nil || release != "4.21" {
		return c
	}
	files := map[string][]byte{}
	entries, err := fs.ReadDir(c.Manifests, ".")
	for _, e := range entries {
		if files[e.Name()], err = fs.ReadFile(c.Manifests, e.Name()); err != nil {
			break
		}
		if strings.HasSuffix(e.Name(), "_operatorhub.yaml") {
			files[e.Name()] = []byte(openShiftHub)
		}
	}
	if err != nil {
		panic(err) // they are compiled in
	}
	c.Manifests = component.Map(files)
	return c
}

// versionOperator's manifests stay in its image, on which the release image is
// built: they are templates that the operator expands.
func versionOperator() component.Component {
	c := operator("cluster-version-operator", "/usr/bin/cluster-version-operator")
	c.Manifests = dir("cvo/manifests")
	pod, err := fs.ReadFile(data.Lab(), "cvo/bootstrap/bootstrap-pod.yaml")
	if err != nil {
		panic(err) // it is compiled in
	}
	c.Files = []component.File{{Path: "/bootstrap/bootstrap-pod.yaml", Data: pod}}
	return c
}

// configAPI brings custom resource definitions and feature gates.
func configAPI(version string) (component.Component, error) {
	c := operator("cluster-config-api", "/usr/bin/render")
	files, err := gates.Manifests(version)
	if err != nil {
		return c, err
	}
	for _, k := range crds.All() {
		if files[k.File()], err = k.Manifest(); err != nil {
			return c, err
		}
	}
	c.Manifests, c.Operator = component.Map(files), true
	return c, nil
}

func dir(path string) fs.FS {
	f, err := fs.Sub(data.Lab(), path)
	if err != nil {
		panic(err) // a fixed name
	}
	return f
}

// operator is an image of the multi-call binary with the manifests, if any, in
// data/lab/<tag>.
func operator(tag string, paths ...string) component.Component {
	c := component.Component{Tag: tag, Binaries: links(component.LabRelease, paths...)}
	if entries, err := fs.ReadDir(dir(tag), "."); err == nil && len(entries) > 0 {
		c.Manifests, c.Operator = dir(tag), true
	}
	return c
}

func links(b component.Binary, paths ...string) []component.Link {
	out := make([]component.Link, 0, len(paths))
	for _, p := range paths {
		out = append(out, component.Link{Path: p, Binary: b})
	}
	return out
}
