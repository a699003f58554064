package manifests

import (
	"fmt"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addInfrastructure adds the description of the platform. Renderers read the
// status before an operator could write it, so it is complete from the start.
func addInfrastructure(set *objects.Set, in Inputs) {
	c := in.Config
	status := configv1.InfrastructureStatus{
		InfrastructureName:     in.InfraID,
		PlatformStatus:         &in.Platform.Status,
		Platform:               in.Platform.Status.Type, // some operators still read it
		APIServerURL:           "https://" + c.APIHost() + ":6443",
		APIServerInternalURL:   "https://" + c.APIIntHost() + ":6443",
		ControlPlaneTopology:   controlPlaneTopology(c),
		InfrastructureTopology: infrastructureTopology(c),
		CPUPartitioning:        configv1.CPUPartitioningNone,
	}
	if c.CPUPartitioningMode == string(configv1.CPUPartitioningAllNodes) {
		status.CPUPartitioning = configv1.CPUPartitioningAllNodes
	}
	complete, err := in.Platform.complete(status)
	if err != nil {
		set.Fail(fmt.Errorf("render the infrastructure: %w", err))
	}
	set.AddSingleton("cluster-infrastructure-02-config.yml", "Infrastructure",
		configv1.InfrastructureSpec{PlatformSpec: in.Platform.Spec}, complete)
}

func controlPlaneTopology(c *types.InstallConfig) configv1.TopologyMode {
	switch c.Masters() {
	case 1:
		return configv1.SingleReplicaTopologyMode
	case 2:
		if c.Arbiters() > 0 {
			return configv1.HighlyAvailableArbiterMode
		}
		return configv1.DualReplicaTopologyMode
	}
	return configv1.HighlyAvailableTopologyMode
}

// infrastructureTopology is the topology of routers and other infrastructure: they
// run on the workers, of which two are enough, and on the masters if there are none.
// Unlike etcd, they are highly available on two masters.
func infrastructureTopology(c *types.InstallConfig) configv1.TopologyMode {
	if workers := c.Workers(); workers == 1 || workers == 0 && c.Masters() == 1 {
		return configv1.SingleReplicaTopologyMode
	}
	return configv1.HighlyAvailableTopologyMode
}

// addScheduler adds whether pods may run on masters: only if there are no workers.
func addScheduler(set *objects.Set, in Inputs) {
	set.AddSingleton("cluster-scheduler-02-config.yml", "Scheduler",
		configv1.SchedulerSpec{MastersSchedulable: in.Config.Workers() == 0}, nil)
}

// addNames adds the domains of the cluster and of its routes. These platforms
// have no DNS zones of their own.
func addNames(set *objects.Set, in Inputs) {
	set.AddSingleton("cluster-dns-02-config.yml", "DNS", configv1.DNSSpec{BaseDomain: in.Config.ClusterDomain()}, nil)
	placement := configv1.DefaultPlacementWorkers
	if in.Platform.RoutersOnControlPlane {
		placement = configv1.DefaultPlacementControlPlane
	}
	set.AddSingleton("cluster-ingress-02-config.yml", "Ingress",
		configv1.IngressSpec{Domain: in.Config.AppsDomain()}, configv1.IngressStatus{DefaultPlacement: placement})
}
