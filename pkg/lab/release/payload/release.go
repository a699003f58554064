package payload

import (
	"io/fs"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/release/gates"
)

// kubernetes is the annotation that `oc adm release info` and bootkube read
// the Kubernetes version from.
const kubernetes = "kubernetes=1.34.3,kubectl=1.34.3"

// releaseComponents are the images of upstream programs and of the operators
// for version, network, DNS and ingress. Images of upstream programs carry
// no manifests: operators run them.
func releaseComponents() []component.Component {
	return []component.Component{
		{Tag: "pod", Binaries: links(component.Pod, "/usr/bin/pod")},
		{Tag: "hyperkube", Versions: kubernetes, Binaries: links(component.Hyperkube,
			"/usr/bin/kube-apiserver", "/usr/bin/kube-controller-manager", "/usr/bin/kube-scheduler",
			"/usr/bin/kubelet", "/usr/bin/kubectl")},
		{Tag: "kube-proxy", Binaries: links(component.Hyperkube, "/usr/bin/kube-proxy"),
			// kube-proxy's nftables mode runs nft; conntrack clears stale flows.
			Packages: []string{"/usr/sbin/nft", "/usr/sbin/conntrack"}},
		{Tag: "cli", Binaries: links(component.Hyperkube, "/usr/bin/oc", "/usr/bin/kubectl")},
		{Tag: "etcd", Binaries: links(component.Etcd, "/usr/bin/etcd", "/usr/bin/etcdctl")},
		{Tag: "coredns", Binaries: links(component.CoreDNS, "/usr/bin/coredns")},
		{Tag: "keepalived-ipfailover", Packages: []string{"/usr/sbin/keepalived", "/bin/sh", "/usr/bin/curl"},
			Binaries: links(component.LabRelease, "/usr/bin/okd-lab-release"), Entrypoint: []string{"/usr/sbin/keepalived"}},
		{Tag: "haproxy-router", Packages: []string{"/usr/sbin/haproxy"},
			Binaries: links(component.LabRelease, "/usr/bin/openshift-router"), Entrypoint: []string{"/usr/bin/openshift-router"}},

		versionOperator(),
		operator("cluster-config-operator", "/usr/bin/cluster-config-operator"),
		operator("cluster-authentication-operator", "/usr/bin/authentication-operator"),
		operator("cluster-ingress-operator", "/usr/bin/ingress-operator"),
		networkOperator(),
		operator("console", "/usr/bin/console"),
	}
}

// versionOperator's manifests stay in its image: the release image is built
// on it, and they are templates that the operator expands.
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

// configAPI brings the custom resource definitions and tells the feature gates,
// also to the payload.
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

// networkOperator also holds the agent of its DaemonSet, which sets routes
// with ip.
func networkOperator() component.Component {
	c := operator("cluster-network-operator", "/usr/bin/cluster-network-operator", "/usr/bin/network-node")
	c.Packages = []string{"/usr/sbin/ip", "/usr/sbin/nft"}
	return c
}

func dir(path string) fs.FS {
	f, err := fs.Sub(data.Lab(), path)
	if err != nil {
		panic(err) // a fixed name
	}
	return f
}

// operator is an image of the multi-call binary with the manifests in
// data/lab/<tag>; one without manifests gives the payload nothing.
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
