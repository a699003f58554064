package machines

import (
	"context"
	"net/netip"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Joining is machines that become nodes of a cluster which runs, or whose nodes leave it.
type Joining struct {
	// InfraID of the cluster, whoever has installed it.
	InfraID string
	// Config is the install-config of the cluster, which may be for another platform; nil where it is not known.
	Config *types.InstallConfig
	// BMCVerifyCA are certificates in PEM that BMCs are trusted with, besides those of Config.
	BMCVerifyCA string
	Machines    []JoiningMachine
}

// JoiningMachine is one of them. Its name is the host's hostname, which is never empty.
type JoiningMachine struct {
	// Host is as nodes-config.yaml has it. Where a node leaves it may be no more than a hostname.
	Host agent.NodeHost
	// UUID is the system UUID of its node, empty where there is no node.
	UUID string
}

// Joins is how machines of a platform join clusters that run, whatever platform these are on.
type Joins struct {
	// Takes reports whether a host of nodes-config.yaml is a machine of the platform.
	Takes func(agent.NodeHost) bool
	// ByUUID says that machines whose nodes leave are found by their UUID alone, so that the platform of the cluster is
	// asked for nodes of which nodes-config.yaml has nothing.
	ByUUID bool
	// Plan describes the machines, under their names, and the medium they are started from. It is pure.
	Plan func(j Joining, image plan.Image) (plan.Plan, error)
	// Connect logs in. Nothing is changed, and machines are asked only when they are needed.
	Connect func(ctx context.Context, a Access, j Joining) (JoiningConnection, error)
	// Known are the machines that the directory of the installation knows how to reach; nil where none are.
	Known func(a Access) ([]agent.NodeHost, error)
	// Objects tell the cluster's operators of a machine that has become a node, in the order in which they are made. It is
	// asked only in clusters that look after such machines; nil where there are none.
	Objects func(infraID string, h agent.NodeHost, addresses []netip.Addr) ([]ClusterObject, error)
}

// ClusterObject is an object that is to be in a cluster.
type ClusterObject struct {
	Group, Version, Plural, Namespace, Name string
	Object                                  any
}

// JoiningConnection makes providers with one login, as Connection does.
type JoiningConnection func(sink event.Sink, fetch Fetch) Joiner

// Joiner starts machines that join a cluster, and takes them out of it. Boot makes the machine if there is none yet.
// All methods may be called for several machines at once.
type Joiner interface {
	Booter
	// Look is what there is of a machine of the plan, with its UUID as ID; zero if Boot will make it.
	Look(ctx context.Context, p plan.Plan, name string) (Machine, error)
	// Remove ends a machine after its node was drained: a host is switched off, without medium and boot override; a VM
	// is deleted. It does so only to the machine with the UUID of the node, and with the marks of the cluster where a
	// platform has marks. It reports whether the platform knows such a machine.
	Remove(ctx context.Context, infraID, name string) (bool, error)
}
