package service

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// The roles, in the order in which hosts without a role fill them.
const (
	master  = "master"
	arbiter = "arbiter"
	worker  = "worker"
)

// assign gives hosts, which are in the order of their registration, roles and names. The
// same hosts get the same ones, whatever was asked before. Nothing is assigned until the
// rendezvous host, which must be a master, has registered.
func assign(c *agent.Config, hosts []*host) *agent.Problem {
	matched, bad := match(c, hosts)
	if bad != nil {
		return bad
	}
	if c.Join != nil {
		return assignNode(c, hosts, matched)
	}
	var first *host
	for _, h := range hosts {
		if !h.Rendezvous {
			continue
		}
		if first != nil {
			return problem("give one of them another address", "two hosts have the rendezvous address %s: %s and %s",
				c.Rendezvous, first.describe(c), h.describe(c))
		}
		first = h
	}
	if first == nil {
		return nil
	}
	// It comes first, whenever it has registered.
	hosts = append([]*host{first}, slices.DeleteFunc(slices.Clone(hosts), func(h *host) bool { return h == first })...)
	if bad := assignRoles(c, hosts, first, matched); bad != nil {
		return bad
	}
	return assignNames(hosts, matched, c)
}

// match finds the settings of hosts by their MAC addresses.
func match(c *agent.Config, hosts []*host) (map[*host]*agent.Host, *agent.Problem) {
	matched, owner, cards := map[*host]*agent.Host{}, map[*agent.Host]*host{}, map[string]*host{}
	for _, h := range hosts {
		for _, mac := range h.macs() {
			if other := cards[mac]; other != nil {
				return nil, problem("give every machine MAC addresses of its own, and boot one of them again",
					"two hosts have the MAC address %s: %s and %s", mac, other.describe(c), h.describe(c))
			}
			cards[mac] = h
		}
		for i := range c.Hosts {
			settings := &c.Hosts[i]
			if !slices.ContainsFunc(settings.MACs, func(m string) bool {
				return slices.Contains(h.macs(), strings.ToLower(m))
			}) {
				continue
			}
			if other := matched[h]; other != nil {
				return nil, problem("correct the MAC addresses in "+c.HostsFile()+" and make a new image",
					"host %s has MAC addresses of two hosts of %s: %s and %s", h.describe(c), c.HostsFile(),
					label(other), label(settings))
			}
			if other := owner[settings]; other != nil {
				return nil, problem("correct the MAC addresses in "+c.HostsFile()+" and make a new image",
					"two hosts have MAC addresses of the same host of %s, %s: %s and %s", c.HostsFile(),
					label(settings), other.describe(c), h.describe(c))
			}
			matched[h], owner[settings] = settings, h
		}
	}
	return matched, nil
}

// label names a host of agent-config.yaml.
func label(h *agent.Host) string {
	switch {
	case h.Hostname != "":
		return h.Hostname
	case len(h.MACs) > 0:
		return h.MACs[0]
	}
	return "a host without MAC addresses"
}

func assignRoles(
	c *agent.Config, hosts []*host, first *host, matched map[*host]*agent.Host,
) *agent.Problem {
	free := map[string]int{master: c.Masters, arbiter: c.Arbiters, worker: c.Workers}
	for _, settings := range c.Hosts {
		if settings.Role != "" {
			free[settings.Role]-- // registered or not
		}
	}
	var rest []*host
	for _, h := range hosts {
		role, settings := "", matched[h]
		switch {
		case settings != nil && settings.Role != "":
			role = settings.Role
		case h == first:
			role = master
			free[master]--
		case h.Order != "" || h.began():
			// An earlier order, perhaps of a service that has lost its state.
			role = cmp.Or(h.Role, h.Report.Role)
			free[role]--
		}
		if h.Role = role; role == "" {
			rest = append(rest, h)
		}
	}
	if first.Role != master {
		return problem("make another host the rendezvous host in agent-config.yaml, and make a new image",
			"the rendezvous host %s must be a master, but is configured as %s", first.describe(c), first.Role)
	}
	var surplus []string
	for _, h := range rest {
		for _, role := range []string{master, arbiter, worker} {
			if free[role] > 0 {
				h.Role = role
				free[role]--
				break
			}
		}
		if h.Role == "" {
			surplus = append(surplus, h.describe(c))
		}
	}
	if len(surplus) == 0 {
		return nil
	}
	return problem("turn it off, or raise the number of replicas in install-config.yaml and make a new image",
		"%d hosts have registered, but the cluster needs %d; there is no place for %s",
		len(hosts), c.Required(), strings.Join(surplus, ", "))
}

// began reports whether the host has obeyed an order, also one that this service does not
// remember.
func (h *host) began() bool {
	return h.Report.Role != "" && h.reached(agent.Bootstrapping)
}

// assignNames prefers the name of agent-config.yaml, then the host's own if no other host
// has it, and else makes one of role and number.
func assignNames(hosts []*host, matched map[*host]*agent.Host, c *agent.Config) *agent.Problem {
	taken := map[string]*host{}
	own := map[string]int{}
	for _, settings := range c.Hosts {
		if settings.Hostname != "" {
			own[settings.Hostname]++ // no other host may have it
		}
	}
	for _, h := range hosts {
		own[ownName(h)]++
		name := ""
		switch settings := matched[h]; {
		case settings != nil && settings.Hostname != "":
			name = settings.Hostname
		case h.Order != "" || h.began():
			name = cmp.Or(h.Hostname, h.Report.Hostname)
		}
		h.Hostname = name
		if name == "" {
			continue
		}
		if other := taken[name]; other != nil {
			return problem("give each host a name of its own in agent-config.yaml, and make a new image",
				"two hosts have the hostname %s: %s and %s", name, other.describe(c), h.describe(c))
		}
		taken[name] = h
	}
	for _, h := range hosts {
		if name := ownName(h); h.Hostname == "" && name != "" && own[name] == 1 && taken[name] == nil {
			h.Hostname = name
			taken[name] = h
		}
	}
	for _, h := range hosts {
		if h.Hostname != "" || h.Role == "" {
			continue
		}
		for i := 0; h.Hostname == ""; i++ {
			if name := fmt.Sprintf("%s-%d", h.Role, i); taken[name] == nil && own[name] == 0 {
				h.Hostname = name
				taken[name] = h
			}
		}
	}
	return nil
}

// hostname is RFC 1123's, in lower case, as names of nodes are.
var hostname = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$`)

// ownName is the name that the host has of the network or of its administrator, empty if
// it is none that a node may have.
func ownName(h *host) string {
	name := strings.TrimSuffix(strings.ToLower(h.Report.Inventory.Hostname), ".")
	first, _, _ := strings.Cut(name, ".")
	if len(name) > 253 || !hostname.MatchString(name) || first == "localhost" {
		return ""
	}
	return name
}
