// Package component describes the images of the lab release as data, which the
// image builder (pkg/lab/images) turns into OCI images.
package component

import (
	"io/fs"
	"testing/fstest"
)

// Binary names a program that the image builder compiles.
type Binary string

// The programs that images may link.
const (
	LabRelease Binary = "okd-lab-release" // cmd/okd-lab-release, every operator and renderer
	Hyperkube  Binary = "hyperkube"       // kube-*, kubelet, kubectl and oc by argv[0]
	Etcd       Binary = "etcd"            // etcd and etcdctl by argv[0]
	CoreDNS    Binary = "coredns"
	Pod        Binary = "pod" // holds a pod's namespaces (pause)
	OPM        Binary = "opm" // serves catalogs of operators

	// Directories of programs, which are linked as a whole or not at all.
	MultusCNI  Binary = "multus-cni"  // multus, also as whereabouts, and thin_entrypoint
	CNIPlugins Binary = "cni-plugins" // those that OKD's nodes have besides their default network's
)

// Link offers a binary under an absolute path, whose base name is its argv[0].
type Link struct {
	Path   string // such as /usr/bin/cluster-etcd-operator
	Binary Binary
}

// File is one more file of an image.
type File struct {
	Path string // absolute
	Mode fs.FileMode
	Data []byte
}

// Component is one image of the release payload.
type Component struct {
	// Tag is the name in image-references, as OKD's.
	Tag string
	// Binaries are the programs of the image, in a layer that all images share.
	Binaries []Link
	// Packages are absolute paths of Debian programs (/usr/sbin/keepalived); they
	// come with their shared libraries and loader.
	Packages []string
	// Files are further files.
	Files []File
	// Manifests are payload manifests, flat, named with run level
	// (0000_NN_tag_name.yaml; else 0000_50_<tag>_ is put in front). Text is rewritten
	// as by `oc adm release new`: image.release.test/<tag>:payload becomes the tag's
	// pull spec, 0.0.1-snapshot the release version, 0.0.1-snapshot-kubernetes the
	// Kubernetes version.
	Manifests fs.FS
	// Operator sets label io.openshift.release.operator=true, without which an image
	// gives no manifests to the payload.
	Operator bool
	// Entrypoint of the image; empty means the first link's path.
	Entrypoint []string
	// Env is the image's environment, KEY=value.
	Env []string
	// Versions is annotation io.openshift.build.versions ("kubernetes=1.34.3").
	Versions string
}

// Strings of payload manifests that the release replaces.
const (
	SnapshotVersion    = "0.0.1-snapshot"
	SnapshotKubernetes = "0.0.1-snapshot-kubernetes"
)

// Map makes a flat file system from contents by name.
func Map(files map[string][]byte) fs.FS {
	out := fstest.MapFS{}
	for name, data := range files {
		out[name] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	return out
}
