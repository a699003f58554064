package agent

import (
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// Inventory is the hosts of an installation, from whichever file lists them.
type Inventory struct {
	Hosts []Host `json:"hosts"`
	// FromInstallConfig says that they are those of install-config.yaml.
	FromInstallConfig bool `json:"fromInstallConfig"`
	// RendezvousIP is the address of the host that bootstraps the cluster, the zero
	// value if it is not known.
	RendezvousIP netip.Addr `json:"rendezvousIP"`
}

// bootInterface is what the interface is called of which only bootMACAddress is known.
const bootInterface = "boot"

// lister is implemented by platforms whose settings list hosts.
type lister interface{ AgentHosts() []types.AgentHost }

// NewInventory brings both files together. The config is nil without agent-config.yaml.
func NewInventory(cluster *types.InstallConfig, c *Config) (Inventory, *report.Report) {
	own := report.New(File) // about agent-config.yaml
	if c != nil {
		own = c.source.Again()
	}
	other := cluster.Report() // about install-config.yaml
	inv, hosts := Inventory{}, own.Field(report.NewPath("hosts"))
	listed := other.Field(report.NewPath("platform", cluster.Platform.Name(), "hosts"))
	if c != nil {
		inv.Hosts, inv.RendezvousIP = c.Hosts, c.RendezvousIP
	}
	if p, lists := cluster.Platform.Settings.(lister); lists && len(p.AgentHosts()) > 0 {
		if len(inv.Hosts) > 0 {
			listed.Warn(nil, "has no effect: %s lists hosts", File)
		} else {
			inv.Hosts, inv.FromInstallConfig, hosts = fromInstallConfig(p.AgentHosts(), listed), true, listed
		}
	}
	inv.checkRoles(hosts, cluster)
	inv.checkUnique(hosts.Index, cluster)
	if inv.RendezvousIP.IsValid() {
		inv.checkRendezvous(own.Field(report.NewPath("rendezvousIP")), cluster)
	} else {
		inv.RendezvousIP = Rendezvous(inv.Hosts)
	}
	own.Include(other)
	return inv, own
}

// fromInstallConfig converts hosts. Their interfaces are those that networkConfig names
// with a hardware address, or else the one that they boot from.
func fromInstallConfig(list []types.AgentHost, at report.Field) []Host {
	macs := values.Unique{}
	var out []Host
	for i, h := range list {
		host := Host{
			Hostname: h.Name, Role: h.Role, RootDeviceHints: h.RootDeviceHints, NetworkConfig: h.NetworkConfig,
			Interfaces: named(h.NetworkConfig),
		}
		k := at.Index(i)
		boots := func(nic Interface) bool { return values.PlainMAC(nic.MACAddress) == values.PlainMAC(h.BootMACAddress) }
		switch {
		case len(host.Interfaces) == 0:
			host.Interfaces = []Interface{{Name: bootInterface, MACAddress: h.BootMACAddress}}
		case !slices.ContainsFunc(host.Interfaces, boots):
			k.Child("bootMACAddress").Warn(h.BootMACAddress, "no interface of networkConfig has it")
		}
		for _, nic := range host.Interfaces {
			if values.MAC(k.Child("networkConfig"), nic.MACAddress) {
				macs.Add(k.Child("networkConfig"), nic.MACAddress, values.PlainMAC(nic.MACAddress))
			}
		}
		CheckAddresses(k.Child("networkConfig"), Addresses(h.NetworkConfig))
		out = append(out, host)
	}
	return out
}

// Rendezvous is the address of the host that bootstraps the cluster if none is named, the
// zero value if there is no static one.
func Rendezvous(hosts []Host) netip.Addr {
	for _, role := range []string{types.MasterPool, ""} {
		for _, h := range hosts {
			if h.Role == role {
				if ip := FirstAddress(h.NetworkConfig); ip.IsValid() {
					return ip
				}
			}
		}
	}
	return netip.Addr{}
}

// checkRoles compares the hosts with the replicas. Hosts without a role fill up. Fewer
// hosts are allowed, because not all have to be listed.
func (inv Inventory) checkRoles(at report.Field, cluster *types.InstallConfig) {
	needs := []struct {
		role, field string
		n           int
	}{
		{types.MasterPool, "controlPlane.replicas", cluster.Masters()},
		{types.ArbiterPool, "arbiter.replicas", cluster.Arbiters()},
		{types.WorkerPool, "compute[].replicas", cluster.Workers()},
	}
	have := map[string]int{}
	for _, h := range inv.Hosts {
		have[h.Role]++
	}
	for i, need := range needs {
		last := i == len(needs)-1
		if spare := have[""]; last {
			have[need.role] += spare
		} else if take := min(spare, max(need.n-have[need.role], 0)); take > 0 {
			have[need.role] += take
			have[""] -= take
		}
		switch n := have[need.role]; {
		case n > need.n:
			at.Item(inv.surplus(need.role)).Invalid(n, "is the number of hosts for role %s, but %s in install-config.yaml is %d",
				need.role, need.field, need.n)
		case n > 0 && n < need.n:
			at.Warn(n, "is the number of hosts for role %s, but %s in install-config.yaml is %d; "+
				"the others must register without settings of their own", need.role, need.field, need.n)
		}
	}
}

// surplus is the last host that a role has, which is shown if there are too many.
func (inv Inventory) surplus(role string) int {
	last := 0
	for i, h := range inv.Hosts {
		if h.Role == role || h.Role == "" && role == types.WorkerPool {
			last = i
		}
	}
	return last
}

// checkUnique finds static addresses in the machine networks that two hosts have. Elsewhere
// several may have the same, as on bridges of their own.
func (inv Inventory) checkUnique(at func(i int) report.Field, cluster *types.InstallConfig) {
	seen := values.Unique{}
	for i, h := range inv.Hosts {
		for a := range Addresses(h.NetworkConfig) {
			if a.IP.IsValid() && values.Within(a.IP, cluster.Networking.MachineCIDRs()) {
				seen.Add(at(i).Child("networkConfig", a.Path.String()), a.Text, a.IP.String())
			}
		}
	}
}

// checkRendezvous checks the address that agent-config.yaml names.
func (inv Inventory) checkRendezvous(at report.Field, cluster *types.InstallConfig) {
	ip, nets := inv.RendezvousIP, cluster.Networking.MachineCIDRs()
	switch {
	case slices.Contains(cluster.APIVIPs(), ip) || slices.Contains(cluster.IngressVIPs(), ip):
		at.Invalid(ip, "is a virtual address of the cluster; name an address of a host")
	case !values.Within(ip, nets):
		at.Warn(ip, "is in none of networking.machineNetwork: %s", values.JoinPrefixes(nets))
	}
	unset := false
	for i, h := range inv.Hosts {
		if h.has(ip) {
			named := ""
			if h.Hostname != "" {
				named = " (" + h.Hostname + ")"
			}
			if h.Role != "" && h.Role != types.MasterPool {
				at.Forbidden("hosts[%d]%s has this address and role %s; only a host with role master can bootstrap the cluster",
					i, named, h.Role)
			}
			return
		}
		unset = unset || !FirstAddress(h.NetworkConfig).IsValid()
	}
	if len(inv.Hosts) >= cluster.Masters()+cluster.Arbiters()+cluster.Workers() && !unset {
		at.Warn(ip, "is an address of none of the hosts, which all have static ones")
	}
}
