package service

import (
	"cmp"

	"github.com/okd-install/okd-install/pkg/agent"
)

// assignNode gives role and name to the only host of a service that adds a node to a cluster. A
// machine that the file does not list is left alone: it may have booted the medium by accident.
func assignNode(c *agent.Config, hosts []*host, matched map[*host]*agent.Host) *agent.Problem {
	for _, h := range hosts {
		settings := matched[h]
		if settings == nil {
			return problem("add the machine to "+c.HostsFile()+" and make a new image, or remove the medium",
				"%s lists no host with a MAC address of this machine, %s: it is left alone", c.HostsFile(), h.describe(c))
		}
		h.Role = cmp.Or(settings.Role, worker)
		h.Hostname = cmp.Or(settings.Hostname, h.Hostname, h.Report.Hostname, ownName(h))
		if h.Hostname == "" {
			return problem("give the host a hostname in "+c.HostsFile()+" and make a new image, or one by DHCP",
				"host %s has no name of its own", h.describe(c))
		}
		for _, node := range c.Join.Nodes {
			if node.Hostname == h.Hostname {
				return problem("give the host another name in "+c.HostsFile()+" and make a new image; if it replaces that "+
					"node, delete the node first: oc delete node "+node.Hostname,
					"the cluster has a node called %s already", h.Hostname)
			}
		}
	}
	return nil
}

// peersOf are the other machines that a host has to do with.
func (s *Service) peersOf(h *host) []agent.Peer {
	var out []agent.Peer
	for _, other := range s.counted() {
		if other != h {
			out = append(out, agent.Peer{
				ID: other.ID, Hostname: other.Hostname, Role: other.Role, Addresses: other.addresses(s.cfg),
			})
		}
	}
	if s.cfg.Join != nil {
		out = append(out, s.cfg.Join.Nodes...)
	}
	return out
}
