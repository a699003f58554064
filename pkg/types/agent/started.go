package agent

import (
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// StartedInventory is the inventory where the installer starts the hosts: those of install-config.yaml that have one of
// the roles, which are by name. The others are spare ones. What agent-config.yaml says of a host counts in place of
// what install-config.yaml does, but it cannot name others. The config is nil without agent-config.yaml.
func StartedInventory(
	cluster *types.InstallConfig, c *Config, roles map[string]string,
) (Inventory, *report.Report) {
	own := report.New(File)
	if c != nil {
		own = c.source.Again()
	}
	other := cluster.Report()
	s := starting{listed: other.Field(report.NewPath("platform", cluster.Platform.Name(), "hosts"))}
	if p, lists := cluster.Platform.Settings.(lister); lists {
		s.all = fromInstallConfig(p.AgentHosts(), s.listed)
		for i, h := range p.AgentHosts() {
			s.boots = append(s.boots, values.PlainMAC(h.BootMACAddress))
			s.all[i].Role = roles[h.Name]
			s.at = append(s.at, s.listed.Index(i))
		}
	}
	inv := Inventory{FromInstallConfig: true}
	if c != nil {
		inv.RendezvousIP = c.RendezvousIP
		for i, h := range c.Hosts {
			s.amend(own.Field(report.NewPath("hosts")).Index(i), h)
		}
	}
	var at []report.Field
	for i, h := range s.all {
		if h.Role != "" {
			inv.Hosts, at = append(inv.Hosts, h), append(at, s.at[i])
		}
	}
	inv.checkUnique(func(i int) report.Field { return at[i] }, cluster)
	if inv.RendezvousIP.IsValid() {
		inv.checkRendezvous(own.Field(report.NewPath("rendezvousIP")), cluster)
	} else {
		inv.RendezvousIP = Rendezvous(inv.Hosts)
	}
	own.Include(other)
	return inv, own
}

// starting is the hosts of install-config.yaml, with what agent-config.yaml says of them.
type starting struct {
	listed report.Field
	all    []Host
	boots  []string       // MAC addresses that they boot from
	at     []report.Field // where the network of each is configured
}

// amend takes over what agent-config.yaml says of a host.
func (s *starting) amend(at report.Field, h Host) {
	i := s.find(h)
	if i < 0 {
		at.Child("interfaces").Invalid(macsOf(h), "is no host of install-config.yaml: %s has none with the "+
			"bootMACAddress of one of these interfaces, and only hosts with a BMC can be started", s.listed.Path())
		return
	}
	listed := &s.all[i]
	if h.Hostname != "" && h.Hostname != listed.Hostname {
		at.Child("hostname").Invalid(h.Hostname, "the host is %s in install-config.yaml, by its MAC address; use that name",
			listed.Hostname)
	}
	switch {
	case listed.Role == "":
		at.Warn(nil, "host %s is a spare one, and is not installed", listed.Hostname)
	case h.Role != "" && h.Role != listed.Role:
		at.Child("role").Invalid(h.Role, "host %s is installed as %s, by install-config.yaml; set its role there",
			listed.Hostname, listed.Role)
	}
	if h.RootDeviceHints != nil {
		listed.RootDeviceHints = h.RootDeviceHints
	}
	if h.NetworkConfig != nil {
		listed.Interfaces, listed.NetworkConfig, s.at[i] = h.Interfaces, h.NetworkConfig, at
	}
}

// find is the position of the host of install-config.yaml that has a MAC address in common with one of
// agent-config.yaml, -1 if there is none.
func (s *starting) find(h Host) int {
	for i, listed := range s.all {
		for _, nic := range h.Interfaces {
			mac := values.PlainMAC(nic.MACAddress)
			own := func(o Interface) bool { return values.PlainMAC(o.MACAddress) == mac }
			if mac == s.boots[i] || slices.ContainsFunc(listed.Interfaces, own) {
				return i
			}
		}
	}
	return -1
}

// macsOf are the MAC addresses that a host is recognized by.
func macsOf(h Host) string {
	macs := make([]string, len(h.Interfaces))
	for i, nic := range h.Interfaces {
		macs[i] = nic.MACAddress
	}
	return strings.Join(macs, ", ")
}
