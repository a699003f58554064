// Package baremetal renders the objects of a cluster that looks after its own
// bare-metal hosts: hosts with the access to their BMCs, machines that take
// them, and the settings of the provisioning service.
package baremetal

import (
	"slices"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// customDeploy is the procedure that writes CoreOS to a host's disk from the
// live system that it has booted.
const customDeploy = "install_coreos"

// Add renders everything. Without the machine API the cluster gets neither
// machines nor hosts, since nothing would look after them.
func Add(set *objects.Set, c *types.InstallConfig, infraID, version string) error {
	enabled := c.EnabledCapabilities()
	if slices.Contains(enabled, configv1.ClusterVersionCapabilityBaremetal) {
		set.Add("99_baremetal-provisioning-config.yaml", provisioning(c.Platform.BareMetal))
	}
	if !hasMachineAPI(c) {
		return nil
	}
	masters := poolMachines(infraID, c.ControlPlane, UserData(c, types.MasterPool))
	arbiters := poolMachines(infraID, c.Arbiter, UserData(c, types.ArbiterPool))
	objects.AddEach(set, "99_openshift-cluster-api_master-machines-%s.yaml", masters)
	objects.AddEach(set, "99_openshift-cluster-api_arbiter-machines-%s.yaml", arbiters)
	objects.AddEach(set, "99_openshift-cluster-api_worker-machineset-%s.yaml", machineSets(c, infraID))

	ordinary, witnesses := inventory{stream: stream(c, version)}, inventory{stream: stream(c, version)}
	fenced := c.ControlPlane.Fencing != nil
	for _, h := range assign(c) {
		var err error
		switch {
		case h.machine == noMachine:
			err = ordinary.add(h, nil, "", false)
		case h.role == types.ArbiterPool:
			err = witnesses.add(h, &arbiters[h.machine], UserData(c, h.role), false)
		default:
			err = ordinary.add(h, &masters[h.machine], UserData(c, h.role), fenced)
		}
		if err != nil {
			return err
		}
	}
	ordinary.render(set, "")
	witnesses.render(set, "arbiter_")
	return nil
}

// UserData is the name of the Secret with the pointer config for a role. The
// machine config operator keeps the managed ones up to date.
func UserData(c *types.InstallConfig, role string) string {
	if role == types.WorkerPool && !hasMachineAPI(c) {
		return role + "-user-data" // the operator makes the managed one itself
	}
	return role + "-user-data-managed"
}

func hasMachineAPI(c *types.InstallConfig) bool {
	return slices.Contains(c.EnabledCapabilities(), configv1.ClusterVersionCapabilityMachineAPI)
}
