// Package images builds the lab release: the programs, the component images
// and the release image, as an OCI layout with reproducible digests.
package images

import "io"

// Inputs say what a release is built from.
type Inputs struct {
	Rootfs   string    // Debian root file system for keepalived, haproxy, nft and their libraries
	Stream   []byte    // CoreOS stream JSON of the OS image
	Registry string    // host:port that will serve the layout
	Version  string    // release version, a semantic version
	Out      io.Writer // progress lines; nil for none
	// NodeImage is a layer with a whole OS, for machines that bring little of
	// it; empty when all of them bring all.
	NodeImage string
}

// Release is a built release.
type Release struct {
	Layout   string            // OCI layout directory
	PullSpec string            // release image, repository@digest
	Version  string            // release version
	Images   map[string]string // pull spec by component tag
}

// Programs are paths of compiled programs. Hyperkube and Etcd are multi-call:
// link them under the wanted name. Etcdctl is such a link (relative, beside
// Etcd); Pod is the process of pod sandboxes, OPM serves catalogs of operators.
type Programs struct {
	Hyperkube, Etcd, Etcdctl, CoreDNS, Pod, OPM, LabRelease string
	// MultusCNI and CNIPlugins are directories of programs.
	MultusCNI, CNIPlugins string
}
