package machines

import (
	"net/netip"
	"slices"
)

// Progress is how far a cluster has come, as its platform remembers it: also
// for those who have lost the installation's directory. It only ever rises.
type Progress int

// The progress of a cluster.
const (
	// NoRecord says that the platform has nothing of the cluster as a whole.
	NoRecord Progress = iota
	// Unrecorded says that the cluster was begun, by a version of the installer
	// that left no record of how far it came.
	Unrecorded
	// ByHand says that the platform keeps no records: the machines are the user's.
	ByHand
	// Making says that the bootstrap host has never been started.
	Making
	// Begun says that the bootstrap host was started, or is just about to be.
	Begun
	// HandedOver says that the masters have taken over. This was proved.
	HandedOver
)

// String is the word for it in records and messages.
func (p Progress) String() string {
	return [...]string{"none", "unrecorded", "by hand", "making machines", "bootstrap begun", "handed over"}[p]
}

// Record is what a platform remembers of a cluster.
type Record struct {
	InfraID  string
	Progress Progress
	// Domain and APIVIPs are the cluster's alone; empty where they are not known.
	Domain  string
	APIVIPs []netip.Addr
}

// Clash says what two clusters both want for themselves, empty if nothing.
func (r Record) Clash(other Record) string {
	if r.Domain != "" && r.Domain == other.Domain {
		return "domain " + r.Domain
	}
	for _, vip := range r.APIVIPs {
		if slices.Contains(other.APIVIPs, vip) {
			return "API address " + vip.String()
		}
	}
	return ""
}
