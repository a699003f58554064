package service

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// Standing is a cluster that answers although this service has given no orders: the rendezvous
// host has lost its memory, or has booted the medium again. Its certificate is of the authority
// that the image brings, so it is this image's cluster.
type Standing struct {
	Nodes []Node
	// Lacks is what it still needs the bootstrap for; empty if it has taken over.
	Lacks string
	// Planned are the nodes that its bootstrap was told of.
	Planned []Planned
	// Written are the hosts whose disk was written completely, by their names.
	Written []string
}

// Planned is a node that the cluster expects.
type Planned struct {
	Hostname  string       `json:"hostname"`
	Role      string       `json:"role"`
	Addresses []netip.Addr `json:"addresses"` // in the machine networks
}

// Found tells the service that the cluster answers, or with nil that nothing does. Nil is no
// proof that there is no cluster; but the installation begins only when all hosts of the cluster
// run the live system, and then none of them runs a cluster.
func (s *Service) Found(st *Standing) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Begun && !s.state.Resumed {
		return nil
	}
	if st != nil || !s.state.Resumed {
		s.standing = st
		for _, h := range s.state.Hosts {
			s.strayed(h)
		}
	}
	s.advance()
	return s.save()
}

// meet decides what to do when the cluster is there before the orders: if it has taken over, the
// hosts that it lacks are installed, and nothing is bootstrapped a second time.
func (s *Service) meet() {
	first, away := s.rendezvous(), false
	for _, h := range s.state.Hosts {
		if strayed := s.strayed(h); h == first {
			away = !strayed
		}
	}
	if !away || s.cfg.InPlace || s.standing.Lacks != "" || s.readyNodes() < s.neededMasters() || s.planned(first) == nil {
		return
	}
	s.state.Begun, s.state.Resumed = true, true
	s.event(first, "the cluster has taken over already; what it lacks is installed")
	s.resume()
}

// resume gives orders to the hosts that a cluster lacks which has taken over. They become what its
// bootstrap was told.
func (s *Service) resume() {
	for _, h := range s.state.Hosts {
		if h.Order != "" || s.strayed(h) {
			continue
		}
		plan := s.planned(h)
		if plan == nil {
			continue
		}
		h.Hostname, h.Role = plan.Hostname, plan.Role
		if h.Problem == nil && h.ready() {
			h.Order = agent.Install
			s.event(h, "is installed as %s", h.Role)
		}
	}
}

// planned is what the cluster expects a host to become, nil if it knows nothing of it.
func (s *Service) planned(h *host) *Planned {
	if s.standing == nil {
		return nil
	}
	for i, p := range s.standing.Planned {
		for _, a := range h.addresses(s.cfg) {
			if slices.Contains(p.Addresses, a) {
				return &s.standing.Planned[i]
			}
		}
	}
	return nil
}

// strayed reports whether a host has booted the medium again although it belongs to the cluster, or
// its disk is written for it.
func (s *Service) strayed(h *host) bool {
	if h.Order != "" {
		return false
	}
	p := s.stray(h)
	switch {
	case p == nil && h.Stray:
		h.Problem, h.Stray = nil, false
	case p != nil && h.Problem == nil:
		h.Problem, h.Stray = p, true
		s.event(h, "%s", p.Message)
	}
	return p != nil
}

func (s *Service) stray(h *host) *agent.Problem {
	if s.standing == nil {
		return nil
	}
	name := ""
	if plan := s.planned(h); plan != nil {
		name = plan.Hostname // the name that it has here may be another one
	}
	const next = "remove the medium, put the disk first in the boot order, and boot the host again"
	if n := nodeOf(s.cfg, s.standing.Nodes, h, name); n != nil {
		return problem(next, "it is node %s of the cluster, but has booted the installation medium again; nothing is "+
			"written to its disk", n.Name)
	}
	if slices.Contains(s.standing.Written, name) { // it has not booted from the disk since
		return problem(next+"; if the disk has to be written again: oc delete configmap -n okd-agent-install "+
			"okd-agent-written",
			"the disk is written, but the host has booted the installation medium again: fix its boot order")
	}
	return nil
}

func (s *Service) readyNodes() int {
	n := 0
	for _, node := range s.standing.Nodes {
		if node.Ready {
			n++
		}
	}
	return n
}

// standingProblem is what is wrong if the cluster runs and cannot take over: the bootstrap is
// gone, and a second one would make another cluster beside it.
func (s *Service) standingProblem() *agent.Problem {
	if s.standing == nil || s.state.Begun || s.rendezvous() == nil {
		return nil
	}
	var names []string
	for _, n := range s.standing.Nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	why := s.standing.Lacks
	if why == "" {
		why = fmt.Sprintf("%d of %d nodes that it needs are ready", s.readyNodes(), s.neededMasters())
	}
	return problem("if this stays for some minutes, boot all hosts from the image again: the installation starts anew",
		"the rendezvous host %s was started again while it bootstrapped the cluster, which runs already (nodes: %s): %s; "+
			"nothing is written to its disk", s.rendezvous().describe(s.cfg), cmp.Or(strings.Join(names, ", "), "none yet"), why)
}
