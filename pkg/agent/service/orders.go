package service

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// advance decides what can be decided now.
func (s *Service) advance() {
	now := s.clock.Now()
	if !s.state.Begun {
		s.forget(now)
		bad := assign(s.cfg, s.state.Hosts)
		s.readmit()
		switch {
		case s.standing != nil:
			s.meet()
		case bad == nil && s.complete(now):
			s.begin()
		}
		return
	}
	if s.state.Resumed {
		s.resume()
		return
	}
	if first := s.rendezvous(); first != nil && first.Order == agent.Bootstrap && s.handover(now) == "" {
		first.Order = agent.Install
		if s.cfg.InPlace {
			s.event(first, "the bootstrap is done; the disk is written")
		} else {
			s.event(first, "the cluster runs without the bootstrap; this host is installed as well")
		}
	}
}

// forget drops hosts that were turned off while there are more than needed. A host that
// is missing otherwise is waited for, because silence proves nothing.
func (s *Service) forget(now time.Time) {
	for i := len(s.state.Hosts) - 1; i >= 0 && len(s.counted()) > s.required(); i-- {
		h := s.state.Hosts[i]
		if h.Rendezvous || s.leftOut(h) || now.Sub(h.Heard) <= forgotten {
			continue
		}
		s.event(h, "has not been heard for %s and is not needed any more", now.Sub(h.Heard).Round(time.Second))
		s.state.Hosts = slices.Delete(s.state.Hosts, i, i+1)
	}
}

// complete reports whether the hosts of the cluster are there, and all of them ready.
func (s *Service) complete(now time.Time) bool {
	hosts := s.counted()
	if len(hosts) != s.required() || s.rendezvous() == nil {
		return false
	}
	for _, h := range hosts {
		if h.Role == "" || h.Hostname == "" || h.Problem != nil || !h.ready() || h.silent(now) {
			return false
		}
	}
	return true
}

func (s *Service) begin() {
	s.state.Begun = true
	for _, h := range s.counted() {
		h.Order = agent.Install
		if h.Rendezvous && s.cfg.Join == nil {
			h.Order = agent.Bootstrap
		}
		s.event(h, "is installed as %s", h.Role)
	}
}

// order is what a host is told.
func (s *Service) order(h *host) agent.Order {
	now := s.clock.Now().UTC()
	o := agent.Order{Hostname: h.Hostname, Role: h.Role, Action: agent.Wait, Time: now, Problem: h.Problem,
		Running: s.standing != nil || s.state.Resumed}
	if h.Order != "" && h.Problem == nil {
		o.Action = h.Order
		o.Reboot = h.Order == agent.Install && s.mayReboot(h, now)
	}
	o.Peers = s.peersOf(h)
	return o
}

// mayReboot: masters at once, workers when there is a control plane that they can join,
// and the rendezvous host when somebody who watches has its logs.
func (s *Service) mayReboot(h *host, now time.Time) bool {
	switch {
	case h.Rendezvous:
		return !s.heldForWatcher(h, now) && !(s.state.Resumed && s.needed(now))
	case s.state.Resumed:
		return true
	case h.Role == worker:
		return s.joinedMasters() >= s.neededMasters()
	}
	return true
}

// needed reports whether another host is on its way, and asks this service for orders.
func (s *Service) needed(now time.Time) bool {
	return slices.ContainsFunc(s.counted(), func(h *host) bool {
		return !h.Rendezvous && !h.left() && !h.silent(now) && h.Problem == nil && h.Report.Problem == nil
	})
}

// heldForWatcher: a watcher that was there a moment ago may want the logs.
func (s *Service) heldForWatcher(h *host, now time.Time) bool {
	if h.Stage != agent.Written {
		return false
	}
	if s.heldSince.IsZero() {
		s.heldSince = now
	}
	watching := !s.watched.IsZero() && now.Sub(s.watched) <= agent.Silence
	return watching && (s.fetched.Before(h.Since) || s.fetched.Before(h.Logs)) && now.Sub(s.heldSince) < watcherGrace
}

// neededMasters is with how many masters the cluster goes on without the bootstrap. The
// rendezvous host is not one of them yet.
func (s *Service) neededMasters() int { return min(s.cfg.Masters-1, 2) }

func (s *Service) joinedMasters() int {
	n := 0
	for _, h := range s.state.Hosts {
		if h.Role == master && h.Stage == agent.Joined {
			n++
		}
	}
	return n
}

// node is the node that the host has become, nil if there is none.
func (s *Service) node(h *host) *Node {
	return nodeOf(s.cfg, s.state.Cluster.Nodes, h, h.Hostname)
}

func nodeOf(c *agent.Config, nodes []Node, h *host, name string) *Node {
	for i := range nodes {
		if name != "" && nodes[i].Name == name {
			return &nodes[i]
		}
	}
	for i := range nodes {
		for _, a := range h.addresses(c) {
			if slices.Contains(nodes[i].Addresses, a.String()) {
				return &nodes[i]
			}
		}
	}
	return nil
}

// handover is what the cluster lacks to go on without the bootstrap, empty if nothing.
func (s *Service) handover(now time.Time) string {
	if s.cfg.InPlace { // its next life begins where the bootstrap ends
		if c := s.state.Cluster; !c.Bootkube {
			return "the bootstrap: " + cmp.Or(c.Present, "starting")
		}
		return ""
	}
	ready := 0
	for _, h := range s.state.Hosts {
		if h.Role == master && h.Stage == agent.Joined {
			if n := s.node(h); n != nil && n.Ready {
				ready++
			}
		}
	}
	if c := s.state.Cluster; !c.Bootkube || !c.Progress || ready < s.neededMasters() {
		return cmp.Or(s.unfinished(now), "the bootstrap: "+cmp.Or(c.Present, "starting"))
	}
	return s.unfinished(now)
}

// unfinished is the host that still needs the service to be installed, empty if there is none.
// One that booted its medium again does not: its disk is written.
func (s *Service) unfinished(now time.Time) string {
	var out []string
	for _, h := range s.counted() {
		switch {
		case h.Rendezvous || h.left() || h.Returned:
			continue
		case h.silent(now):
			out = append(out, fmt.Sprintf("%s, %s, which was heard last at %s",
				h.describe(s.cfg), h.Stage, h.Heard.UTC().Format(time.TimeOnly)))
		case h.Report.Doing != "":
			out = append(out, fmt.Sprintf("%s, %s: %s", h.name(), h.Stage, h.Report.Doing))
		default:
			out = append(out, fmt.Sprintf("%s, %s since %s", h.name(), h.Stage, h.Since.Format(time.TimeOnly)))
		}
	}
	return strings.Join(out, "; ")
}

// booted reports whether a node is the host, booted from its disk. A host that has lost its
// power has not said that it reboots.
func (s *Service) booted(h *host, n *Node) bool {
	switch {
	case h.Rendezvous || h.Order != agent.Install || h.Stage == agent.Joined:
		return false
	case h.Stage == agent.Rebooting:
		return true
	case h.Returned: // it may have been a node before
		return n.Ready
	}
	return n.Name == h.Hostname
}

// Update tells the service what has become of the bootstrap and of the cluster.
func (s *Service) Update(c Cluster) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := c.Problem; p != nil && (s.state.Cluster.Problem == nil || *p != *s.state.Cluster.Problem) {
		s.event(s.rendezvous(), "%s", p.Message)
	}
	s.state.Cluster = c
	for _, h := range s.state.Hosts {
		if n := s.node(h); n != nil && s.booted(h, n) {
			h.Stage, h.Since, h.Problem, h.Returned = agent.Joined, s.clock.Now().UTC(), nil, false
			s.event(h, "is node %s", n.Name)
		}
	}
	s.advance()
	return s.save()
}
