// Package component describes the images of the lab release as data: which
// binaries under which names, which Debian programs, which manifests. The
// image builder (pkg/lab/images) turns descriptions into OCI images.
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
)

// Link offers a binary in an image under an absolute path; the base name of
// the path is the argv[0] that selects the program.
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
	// Binaries are the programs of the image. The image holds the binary once
	// per kind, in a layer that all images share.
	Binaries []Link
	// Packages are absolute paths of programs in the Debian root file system
	// (/usr/sbin/keepalived); they come with their shared libraries and loader.
	Packages []string
	// Files are further files.
	Files []File
	// Manifests are the payload manifests, file names at the top of the FS with
	// run level (0000_NN_tag_name.yaml; without the prefix 0000_50_<tag>_ is
	// put in front). Text is rewritten as `oc adm release new` does it:
	// image.release.test/<tag>:payload to the digest-pinned pull spec of that tag,
	// 0.0.1-snapshot to the release version, 0.0.1-snapshot-kubernetes to the
	// Kubernetes version.
	Manifests fs.FS
	// Operator sets label io.openshift.release.operator=true. Only such images
	// give manifests to the payload.
	Operator bool
	// Entrypoint of the image; empty means the first link's path.
	Entrypoint []string
	// Env is the image's environment, KEY=value.
	Env []string
	// Versions is the tag's annotation io.openshift.build.versions
	// ("kubernetes=1.34.3"), empty for none.
	Versions string
}

// Strings of payload manifests that the release replaces.
const (
	SnapshotVersion    = "0.0.1-snapshot"
	SnapshotKubernetes = "0.0.1-snapshot-kubernetes"
)

// Map makes a flat file system from contents by name, for manifests that code
// generates.
func Map(files map[string][]byte) fs.FS {
	out := fstest.MapFS{}
	for name, data := range files {
		out[name] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	return out
}
