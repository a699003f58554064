package service

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// name is what people know the host by: its hostname, or else its first MAC address.
func (h *host) name() string {
	if macs := h.macs(); len(macs) > 0 {
		return cmp.Or(h.Hostname, macs[0])
	}
	return cmp.Or(h.Hostname, h.ID)
}

// macs are those of its cards, in order.
func (h *host) macs() []string {
	var all []string
	for _, nic := range h.Report.Inventory.NICs {
		if nic.Physical && nic.MAC != "" {
			all = append(all, strings.ToLower(nic.MAC))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (h *host) hasAddress(a netip.Addr) bool {
	for _, nic := range h.Report.Inventory.NICs {
		for _, p := range nic.Addresses {
			if p.Addr() == a {
				return true
			}
		}
	}
	return false
}

// addresses are those in the machine networks, or all global ones if none is.
func (h *host) addresses(c *agent.Config) []netip.Addr {
	var in, all []netip.Addr
	for _, nic := range h.Report.Inventory.NICs {
		for _, p := range nic.Addresses {
			a := p.Addr()
			if !a.IsGlobalUnicast() {
				continue
			}
			all = append(all, a)
			if slices.ContainsFunc(c.MachineNetworks, func(n netip.Prefix) bool { return n.Contains(a) }) {
				in = append(in, a)
			}
		}
	}
	if len(in) > 0 {
		return in
	}
	return all
}

// describe names the host such that somebody can find it in a rack.
func (h *host) describe(c *agent.Config) string {
	var parts []string
	for _, a := range h.addresses(c) {
		parts = append(parts, a.String())
		break
	}
	if macs := h.macs(); len(macs) > 0 && h.Hostname != "" {
		parts = append(parts, macs[0])
	}
	if serial := h.Report.Inventory.Serial; serial != "" {
		parts = append(parts, "serial number "+serial)
	}
	if len(parts) == 0 {
		return h.name()
	}
	return h.name() + " (" + strings.Join(parts, ", ") + ")"
}

// ordered are the stages in their order.
var ordered = []agent.Stage{
	agent.Discovering, agent.Ready, agent.Bootstrapping, agent.Writing, agent.Written, agent.Rebooting, agent.Joined,
}

// reached reports whether the host is in stage or past it. A failed host has reached none.
func (h *host) reached(stage agent.Stage) bool {
	return slices.Index(ordered, h.Stage) >= slices.Index(ordered, stage)
}

// left: it runs from its disk, as far as the service can know.
func (h *host) left() bool { return h.Stage == agent.Rebooting || h.Stage == agent.Joined }

// ready reports whether the host could be installed in its role now.
func (h *host) ready() bool {
	return h.Report.Role == h.Role && h.Stage == agent.Ready || h.began() || h.Order != "" && h.reached(agent.Ready)
}

// silent reports whether nothing was heard for too long.
func (h *host) silent(now time.Time) bool {
	return !h.left() && !h.Returned && now.Sub(h.Heard) > agent.Silence
}

// why is what keeps a host from being ready, and since when.
func (h *host) why() (string, time.Time) {
	for _, c := range h.Report.Checks {
		if c.Blocks() {
			text := cmp.Or(c.Message, string(c.Result))
			return fmt.Sprintf("check %s: %s", c.ID, text), h.Blocked[c.ID]
		}
	}
	if h.Report.Doing != "" {
		return h.Report.Doing, h.Since
	}
	return string(h.Stage), h.Since
}

func problem(next, format string, args ...any) *agent.Problem {
	return &agent.Problem{Message: fmt.Sprintf(format, args...), Next: next}
}
