package addnodes

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/assets/mirrors"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// Roles are those of the hosts, each once.
func Roles(n *typesagent.NodesConfig) []string {
	var out []string
	for _, h := range n.Hosts {
		if !slices.Contains(out, h.Role) {
			out = append(out, h.Role)
		}
	}
	return out
}

// Check compares hosts with the cluster, but for those that are known to be nodes of it.
func (c *Cluster) Check(n *typesagent.NodesConfig, known ...string) *report.Report {
	r := n.Report().Again()
	hosts := r.Field(report.NewPath("hosts"))
	seen := values.Unique{}
	for i, h := range n.Hosts {
		k := hosts.Index(i)
		if h.Hostname != "" && slices.Contains(known, h.Hostname) {
			continue
		}
		if h.Role == types.MasterPool && !c.HighlyAvailable {
			k.Child("role").Invalid(h.Role, "cannot be added: the cluster is not one with a control plane of several hosts")
		}
		for _, node := range c.Nodes {
			if h.Hostname != "" && h.Hostname == node.Hostname {
				k.Child("hostname").Duplicate(h.Hostname, "is a node of the cluster; if the host replaces it, delete the node "+
					"first: oc delete node %s", node.Hostname)
			}
		}
		for a := range typesagent.Addresses(h.NetworkConfig) {
			if !a.IP.IsValid() || !values.Within(a.IP, c.MachineNetworks) {
				continue // elsewhere several hosts may have the same, as on bridges of their own
			}
			at := k.Child("networkConfig", a.Path.String())
			seen.Add(at, a.Text, a.IP.String())
			switch node, is := c.nodeAt(a.IP); {
			case is:
				at.Duplicate(a.Text, "is the address of node %s", node)
			case slices.Contains(c.APIVIPs, a.IP) || slices.Contains(c.IngressVIPs, a.IP):
				at.Duplicate(a.Text, "is a virtual address of the cluster")
			}
		}
	}
	return r
}

func (c *Cluster) nodeAt(ip netip.Addr) (string, bool) {
	for _, n := range c.Nodes {
		if slices.Contains(n.Addresses, ip) {
			return n.Hostname, true
		}
	}
	return "", false
}

// Live is what the live system of the hosts is made of. Version is that of the installer.
func (c *Cluster) Live(n *typesagent.NodesConfig, a Access, version string) (live.Inputs, error) {
	configs := map[string][]byte{}
	var server, authorities string
	for _, role := range Roles(n) {
		raw, has := c.Pointers[role]
		if !has {
			return live.Inputs{}, fmt.Errorf("the Ignition config of role %s was not read", role)
		}
		configs[map[string]string{
			types.WorkerPool: agent.WorkerIgnition, types.MasterPool: agent.MasterIgnition,
		}[role]] = raw
		var err error
		if server, authorities, err = Endpoint(raw); err != nil {
			return live.Inputs{}, err
		}
	}
	conf := agent.Config{
		ClusterName: c.Name, BaseDomain: c.BaseDomain, InfraID: c.InfraID, Image: a.Image,
		Rendezvous: loopback(),
		CA:         a.CA, Certificate: a.Certificate, Key: secret.New(a.Key),
		AgentToken: a.Agent, WatcherToken: a.Watcher, Expires: a.Expires,
		Workers: 1, // every host is on its own
		Hosts:   hosts(n), MachineNetworks: c.MachineNetworks, OtherNetworks: c.OtherNetworks,
		APIVIPs: c.APIVIPs, IngressVIPs: c.IngressVIPs, ResolvedByOthers: c.ResolvedByOthers, NTPSources: c.NTPSources,
		ReleaseImage: c.ReleaseImage, Version: version,
		Join: &agent.Join{
			API: c.endpoints(), ConfigServer: server, ConfigServerCA: authorities, Nodes: c.Nodes,
		},
	}
	keys := n.SSHKeys()
	if len(keys) == 0 {
		keys = c.SSHKeys
	}
	return live.Inputs{
		Agent: conf, Configs: configs, Keyfiles: n.Keyfiles(), Registries: []byte(mirrors.RegistriesConf(c.Mirrors)),
		Bundle: c.Bundle, PullSecret: c.PullSecret, Proxy: c.Proxy, SSHKeys: keys,
	}, nil
}

// endpoints are where nodes reach the API: at the virtual addresses, whose names nodes resolve by
// themselves, or at the name that somebody else resolves.
func (c *Cluster) endpoints() []string {
	if c.ResolvedByOthers {
		return []string{c.InternalAPI}
	}
	_, port, err := net.SplitHostPort(c.InternalAPI)
	if err != nil {
		port = "6443"
	}
	var out []string
	for _, ip := range c.APIVIPs {
		out = append(out, net.JoinHostPort(ip.String(), port))
	}
	return out
}

func hosts(n *typesagent.NodesConfig) []agent.Host {
	var out []agent.Host
	for _, h := range n.Hosts {
		host := agent.Host{Hostname: h.Hostname, Role: h.Role, Hints: h.RootDeviceHints}
		for _, nic := range h.Interfaces {
			host.MACs = append(host.MACs, values.PlainMAC(nic.MACAddress))
		}
		out = append(out, host)
	}
	return out
}

// Record is what a directory keeps of an image.
func (c *Cluster) Record(n *typesagent.NodesConfig, a Access) Record {
	r := Record{CA: a.CA, Watcher: a.Watcher, Expires: a.Expires, Networks: c.MachineNetworks}
	for i, h := range hosts(n) {
		known := RecordedHost{Hostname: h.Hostname, Role: h.Role, MACs: h.MACs}
		for address := range typesagent.Addresses(n.Hosts[i].NetworkConfig) {
			if address.IP.IsValid() {
				known.Addresses = append(known.Addresses, address.IP)
			}
		}
		r.Hosts = append(r.Hosts, known)
	}
	return r
}

// Arch is the processor architecture of hosts.
func (c *Cluster) Arch(n *typesagent.NodesConfig) string {
	return cmp.Or(n.CPUArchitecture, c.Architecture)
}

// Places is how the cluster reaches images, in the form that the installer has for them.
func (c *Cluster) Places(n *typesagent.NodesConfig) (*types.InstallConfig, error) {
	architecture := c.Arch(n)
	if architecture != "amd64" && architecture != "arm64" {
		return nil, exit.New("set cpuArchitecture in "+typesagent.NodesFile, "hosts of architecture %s cannot be added: "+
			"amd64 and arm64 can", architecture)
	}
	return &types.InstallConfig{
		PullSecret: c.PullSecret, AdditionalTrustBundle: c.Bundle, ImageDigestSources: c.Mirrors,
		ControlPlane: &types.MachinePool{Architecture: architecture},
	}, nil
}
