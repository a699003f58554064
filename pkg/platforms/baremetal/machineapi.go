package baremetal

import (
	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// customDeploy writes CoreOS to a host's disk from the live system.
const customDeploy = "install_coreos"

// addObjects adds hosts, machines that take them, and the settings of the
// provisioning service. Without the machine API nothing would look after hosts.
func addObjects(set *objects.Set, in assets.PlatformObjects) error {
	c, infraID, version := in.Config, in.InfraID, in.ReleaseVersion
	if c.Enables(configv1.ClusterVersionCapabilityBaremetal) {
		set.Add("99_baremetal-provisioning-config.yaml", provisioning(config.Of(c)))
	}
	if !hasMachineAPI(c) {
		return nil
	}
	masters := poolMachines(infraID, c.ControlPlane, userData(c, types.MasterPool))
	arbiters := poolMachines(infraID, c.Arbiter, userData(c, types.ArbiterPool))
	hosts := assign(c)
	workers := workerMachines(c, infraID, hosts)
	objects.AddEach(set, "99_openshift-cluster-api_master-machines-%s.yaml", masters)
	objects.AddEach(set, "99_openshift-cluster-api_arbiter-machines-%s.yaml", arbiters)
	// Before the MachineSet, which then has nothing to make.
	objects.AddEach(set, "99_openshift-cluster-api_worker-machines-%s.yaml", workers)
	objects.AddEach(set, "99_openshift-cluster-api_worker-machineset-%s.yaml", machineSets(c, infraID, workers))

	ordinary, witnesses := inventory{stream: stream(c, version)}, inventory{stream: stream(c, version)}
	fenced := c.ControlPlane.Fencing != nil
	for _, h := range hosts {
		var err error
		switch {
		case h.machine == noMachine:
			err = ordinary.add(h, nil, "", false)
		case h.role == types.ArbiterPool:
			err = witnesses.add(h, &arbiters[h.machine], userData(c, h.role), false)
		case h.role == types.WorkerPool:
			err = ordinary.add(h, &workers[h.machine], userData(c, h.role), false)
		default:
			err = ordinary.add(h, &masters[h.machine], userData(c, h.role), fenced)
		}
		if err != nil {
			return err
		}
	}
	ordinary.render(set, "")
	witnesses.render(set, "arbiter_")
	return nil
}

// userData is the name of the Secret with the pointer config for a role. The
// machine config operator keeps the managed ones up to date.
func userData(c *types.InstallConfig, role string) string {
	if role == types.WorkerPool && !hasMachineAPI(c) {
		return role + "-user-data" // the operator makes the managed one itself
	}
	return role + "-user-data-managed"
}

func hasMachineAPI(c *types.InstallConfig) bool {
	return c.Enables(configv1.ClusterVersionCapabilityMachineAPI)
}

// provisioning is the settings of the service that provisions hosts, without what
// the install-config leaves open. Its Go type is in a module not worth having.
func provisioning(p *config.Platform) objects.Object {
	spec := objects.Object{"watchAllNamespaces": false}
	put(spec, "provisioningNetwork", p.ProvisioningNetwork)
	put(spec, "provisioningInterface", p.ProvisioningNetworkInterface)
	put(spec, "provisioningDHCPRange", p.ProvisioningDHCPRange)
	put(spec, "provisioningNetworkGateway", text(p.ProvisioningNetworkGateway))
	put(spec, "provisioningOSDownloadURL", p.ClusterOSImage)
	put(spec, "provisioningIP", text(p.ClusterProvisioningIP))
	if p.ProvisioningNetworkCIDR.IsValid() {
		put(spec, "provisioningNetworkCIDR", p.ProvisioningNetworkCIDR.String())
	}
	if len(p.AdditionalNTPServers) > 0 {
		spec["additionalNTPServers"] = p.AdditionalNTPServers
	}
	return objects.Object{
		"apiVersion": "metal3.io/v1alpha1", "kind": "Provisioning",
		"metadata": objects.Object{"name": "provisioning-configuration"},
		"spec":     spec,
	}
}

// put sets a field that has a value.
func put(o objects.Object, field, value string) {
	if value != "" {
		o[field] = value
	}
}
