package manifests

import (
	"fmt"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addInfrastructure adds the description of the platform. Renderers read the
// status before an operator could write it, so it is complete from the start.
func addInfrastructure(set *objects.Set, in Inputs) error {
	c := in.Config
	infra := configv1.Infrastructure{
		Spec: configv1.InfrastructureSpec{PlatformSpec: in.Platform.Spec},
		Status: configv1.InfrastructureStatus{
			InfrastructureName:     in.InfraID,
			PlatformStatus:         &in.Platform.Status,
			APIServerURL:           "https://" + c.APIHost() + ":6443",
			APIServerInternalURL:   "https://" + c.APIIntHost() + ":6443",
			ControlPlaneTopology:   controlPlaneTopology(c),
			InfrastructureTopology: infrastructureTopology(c),
			CPUPartitioning:        configv1.CPUPartitioningNone,
		},
	}
	infra.TypeMeta, infra.ObjectMeta = objects.Singleton("Infrastructure")
	infra.Status.Platform = infra.Status.PlatformStatus.Type //nolint:staticcheck // some operators still read it
	if c.CPUPartitioningMode == string(configv1.CPUPartitioningAllNodes) {
		infra.Status.CPUPartitioning = configv1.CPUPartitioningAllNodes
	}
	object, err := in.Platform.complete(infra)
	if err != nil {
		return fmt.Errorf("render the infrastructure: %w", err)
	}
	set.Add("cluster-infrastructure-02-config.yml", object)
	return nil
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

// infrastructureTopology is about where routers and the like run: on the
// workers if there are any, and two of those are enough. Two masters without
// workers count as highly available here.
func infrastructureTopology(c *types.InstallConfig) configv1.TopologyMode {
	switch workers := c.Workers(); {
	case workers == 1, workers == 0 && c.Masters() == 1:
		return configv1.SingleReplicaTopologyMode
	}
	return configv1.HighlyAvailableTopologyMode
}

// addScheduler adds whether pods may run on masters: only if there is nothing
// else for them to run on.
func addScheduler(set *objects.Set, in Inputs) error {
	scheduler := configv1.Scheduler{Spec: configv1.SchedulerSpec{MastersSchedulable: in.Config.Workers() == 0}}
	scheduler.TypeMeta, scheduler.ObjectMeta = objects.Singleton("Scheduler")
	set.Add("cluster-scheduler-02-config.yml", scheduler)
	return nil
}

// addNames adds the domains of the cluster and of its routes. These platforms
// have no DNS zones of their own.
func addNames(set *objects.Set, in Inputs) error {
	c := in.Config
	dns := configv1.DNS{Spec: configv1.DNSSpec{BaseDomain: c.ClusterDomain()}}
	dns.TypeMeta, dns.ObjectMeta = objects.Singleton("DNS")
	set.Add("cluster-dns-02-config.yml", dns)

	ingress := configv1.Ingress{Spec: configv1.IngressSpec{Domain: c.AppsDomain()}}
	ingress.TypeMeta, ingress.ObjectMeta = objects.Singleton("Ingress")
	ingress.Status.DefaultPlacement = configv1.DefaultPlacementWorkers
	if in.Platform.RoutersOnControlPlane {
		ingress.Status.DefaultPlacement = configv1.DefaultPlacementControlPlane
	}
	set.Add("cluster-ingress-02-config.yml", ingress)
	return nil
}
