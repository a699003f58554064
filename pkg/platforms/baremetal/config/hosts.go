package config

import (
	"fmt"
	"slices"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

func (p *Platform) checkHosts(k types.Check) {
	at := k.Child("hosts")
	if len(p.Hosts) > 0 && !k.Options.Agent {
		k.RequireCapability(configv1.ClusterVersionCapabilityMachineAPI, "hosts become machines with it",
			types.AdditionalCapabilities)
	}
	if !k.Options.Agent && k.Config.Enables(configv1.ClusterVersionCapabilityMachineAPI) {
		if len(p.Hosts) == 0 {
			at.Required("the hosts that become the cluster's machines")
			return
		}
		p.checkHostCount(k, at)
	}
	names, macs, addresses := values.Unique{}, values.Unique{}, values.Unique{}
	for i := range p.Hosts {
		h, at := &p.Hosts[i], at.Index(i)
		if h.Name == "" {
			at.Child("name").Required("the name of the host")
		} else {
			names.Add(at.Child("name"), h.Name, h.Name)
		}
		if h.BootMACAddress == "" {
			at.Child("bootMACAddress").Required("the MAC address of the interface that the host boots from")
		} else if values.MAC(at.Child("bootMACAddress"), h.BootMACAddress) {
			macs.Add(at.Child("bootMACAddress"), h.BootMACAddress, values.PlainMAC(h.BootMACAddress))
		}
		if !k.Options.Agent || h.BMC != (BMC{}) {
			p.checkBMC(at, h, addresses, k.Options.Stored)
		}
	}
}

// Validate implements types.Validator, for what is the host's alone.
func (h *Host) Validate(k types.Check) {
	if h.Name != "" && !values.IsSubdomain(h.Name) {
		k.Child("name").Invalid(h.Name, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	}
	checkMTUs(k.Child("networkConfig", "interfaces"), h.NetworkConfig)
}

// checkHostCount compares hosts with replicas. Those without a role fill up.
func (p *Platform) checkHostCount(k types.Check, at report.Field) {
	for _, name := range []string{"controlPlane", "compute", "arbiter"} {
		if k.Root(name).Broken() {
			return
		}
	}
	have := map[string]int{}
	for i := range p.Hosts {
		if at.Index(i).Child("role").Broken() {
			return
		}
		have[p.Hosts[i].Role]++
	}
	spare := have[""]
	for _, need := range []struct {
		role, field string
		n           int
	}{
		{types.MasterPool, "controlPlane.replicas", k.Config.Masters()},
		{types.ArbiterPool, "arbiter.replicas", k.Config.Arbiters()},
		{types.WorkerPool, "compute[].replicas", k.Config.Workers()},
	} {
		if missing := need.n - have[need.role]; missing > spare {
			at.Required("%s is %d, but only %d hosts are left for role %s",
				need.field, need.n, have[need.role]+spare, need.role)
			return
		} else if missing > 0 {
			spare -= missing
		}
	}
}

func (p *Platform) checkBMC(host report.Field, h *Host, others values.Unique, stored bool) {
	at := host.Child("bmc")
	if h.BMC.Username == "" {
		at.Child("username").Required("the user to log in to the management controller as")
	}
	if h.BMC.Password.IsZero() && !stored {
		at.Child("password").Required("the user's password")
	}
	address := at.Child("address")
	controller := values.BMCAddress(at, address, h.BMC.Address, others)
	if controller == nil {
		return
	}
	if p.ProvisioningNetwork == ProvisioningDisabled && controller.RequiresProvisioningNetwork() {
		at.At(address).Invalid(h.BMC.Address, "boots hosts from a provisioning network, "+
			"and provisioningNetwork is Disabled; use virtual media, like redfish-virtualmedia://...")
	}
	if h.BootMode == BootModeSecureBoot && !controller.SupportsSecureBoot() {
		host.Child("bootMode").Invalid(h.BootMode, "driver %s cannot switch secure boot on", controller.Driver())
	}
}

// checkMTUs looks for MTUs that are no numbers: nmstate refuses them too late.
func checkMTUs(at report.Field, config map[string]any) {
	interfaces, _ := config["interfaces"].([]any)
	for i, item := range interfaces {
		settings, _ := item.(map[string]any)
		mtu, there := settings["mtu"]
		switch mtu.(type) {
		case int64, uint64:
		default:
			if there {
				at.Index(i).Child("mtu").Invalid(fmt.Sprint(mtu), "must be a whole number without quotes")
			}
		}
	}
}

// hasBMC reports whether any host has a management controller.
func (p *Platform) hasBMC() bool {
	return slices.ContainsFunc(p.Hosts, func(h Host) bool { return h.BMC.Address != "" })
}

// NamedMachines are the hosts, in the order of the file.
func (p *Platform) NamedMachines() []types.Machine {
	out := make([]types.Machine, len(p.Hosts))
	for i, h := range p.Hosts {
		out[i] = types.Machine{Name: h.Name, Role: h.Role, MAC: h.BootMACAddress}
	}
	return out
}

// AgentHosts are the hosts, as far as they can register themselves.
func (p *Platform) AgentHosts() []types.AgentHost {
	out := make([]types.AgentHost, len(p.Hosts))
	for i, h := range p.Hosts {
		out[i] = types.AgentHost{
			Name: h.Name, Role: h.Role, BootMACAddress: h.BootMACAddress,
			RootDeviceHints: h.RootDeviceHints, NetworkConfig: h.NetworkConfig,
		}
	}
	return out
}

// URLs are those that may have a login in them.
func (p *Platform) URLs() []string { return []string{p.ClusterOSImage, p.BootstrapOSImage} }
