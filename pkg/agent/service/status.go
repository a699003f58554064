package service

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// Status is what the service knows, without secrets.
func (s *Service) Status() agent.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance() // silence is nobody's report; what is decided here is saved before a host hears of it
	now := s.clock.Now().UTC()
	st := agent.Status{
		ClusterName: s.cfg.ClusterName, Time: now, Since: s.state.Since, Bootstrap: slices.Clone(s.state.Cluster.Stages),
		Events: slices.Clone(s.state.Events), Hosts: []agent.HostStatus{},
		Problem: s.problem(), Waiting: s.waiting(now),
	}
	for _, h := range s.state.Hosts {
		st.Hosts = append(st.Hosts, s.hostStatus(h, now))
	}
	st.Missing, st.MissingNames = s.missing()
	st.LeftOut = slices.Clone(s.state.LeftOut)
	return st
}

func (s *Service) hostStatus(h *host, now time.Time) agent.HostStatus {
	hs := agent.HostStatus{
		ID: h.ID, Hostname: h.name(), Role: h.Role, Rendezvous: h.Rendezvous && s.cfg.Join == nil,
		Addresses: h.addresses(s.cfg), MACs: h.macs(), Stage: h.Stage, Disk: h.Report.Disk,
		LastHeard: h.Heard.UTC(), Silent: h.silent(now), Problem: cmp.Or(h.Problem, h.Report.Problem),
	}
	if i := slices.IndexFunc(h.Report.Inventory.Disks, func(d agent.Disk) bool { return d.Path == hs.Disk }); i >= 0 &&
		h.Order != "" && hs.Disk != "" {
		id := h.Report.Inventory.Disks[i].Identity()
		hs.DiskID = &id
	}
	if !h.left() {
		hs.Doing, hs.Percent = h.Report.Doing, h.Report.Percent
	}
	for _, c := range h.Report.Checks {
		if c.Result != agent.Pass && h.Order == "" {
			hs.Checks = append(hs.Checks, c)
		}
	}
	return hs
}

// missing is the number of hosts that have not registered, and the names of those that
// are known.
func (s *Service) missing() (int, []string) {
	if s.state.Resumed {
		return 0, nil // they are nodes, or the cluster says that it lacks them
	}
	n := max(s.required()-len(s.counted()), 0)
	if s.cfg.Join != nil { // other hosts have services of their own
		return n, nil
	}
	var names []string
	for i := range s.cfg.Hosts {
		settings := &s.cfg.Hosts[i]
		there := slices.ContainsFunc(s.state.Hosts, func(h *host) bool {
			return slices.ContainsFunc(settings.MACs, func(m string) bool {
				return slices.Contains(h.macs(), strings.ToLower(m))
			})
		})
		if !there && !slices.Contains(s.state.LeftOut, settings.Hostname) {
			names = append(names, label(settings))
		}
	}
	return n, names
}

// problem is the first one that somebody has to solve.
func (s *Service) problem() *agent.Problem {
	if !s.state.Begun {
		if p := assign(s.cfg, s.state.Hosts); p != nil {
			return p
		}
	}
	for _, h := range s.counted() {
		p := cmp.Or(h.Problem, h.Report.Problem)
		if p != nil {
			return &agent.Problem{Message: "host " + h.describe(s.cfg) + ": " + p.Message, Next: p.Next}
		}
		if s.state.Begun && h.Order == "" && !s.resumes(h) {
			return problem("turn it off", "host %s is one more than the cluster needs; nothing is written to its disk",
				h.describe(s.cfg))
		}
	}
	if p := s.standingProblem(); p != nil {
		return p
	}
	return s.state.Cluster.Problem
}

// waiting is what the installation waits for. It changes only if that does.
func (s *Service) waiting(now time.Time) string {
	if s.state.Begun {
		return s.waitingForCluster(now)
	}
	if n, names := s.missing(); n > 0 {
		text := fmt.Sprintf("%d of %d hosts to register", n, s.required())
		if len(names) > 0 {
			text += ": " + strings.Join(names, ", ")
		}
		return text
	}
	if s.rendezvous() == nil {
		return fmt.Sprintf("the rendezvous host, which has address %s", s.cfg.Rendezvous)
	}
	if surplus := len(s.counted()) - s.required(); surplus > 0 {
		return fmt.Sprintf("%d hosts too many to be turned off", surplus)
	}
	for _, h := range s.counted() {
		if h.silent(now) {
			return fmt.Sprintf("host %s, which was heard last at %s", h.describe(s.cfg), h.Heard.UTC().Format(time.TimeOnly))
		}
	}
	var unready []string
	for _, h := range s.counted() {
		if !h.ready() {
			text, since := h.why()
			unready = append(unready, fmt.Sprintf("host %s, %s (since %s)", h.name(), text, since.UTC().Format(time.TimeOnly)))
		}
	}
	return strings.Join(unready, "; ")
}

// waitingForCluster is what is waited for once orders have been given.
func (s *Service) waitingForCluster(now time.Time) string {
	first := s.rendezvous()
	switch {
	case first == nil:
		return fmt.Sprintf("the rendezvous host, which has address %s", s.cfg.Rendezvous)
	case first.Stage == agent.Rebooting:
		return ""
	case s.state.Resumed && first.Order == "":
		text, since := first.why()
		return fmt.Sprintf("the rendezvous host %s, %s (since %s)", first.name(), text, since.UTC().Format(time.TimeOnly))
	case first.Order == agent.Install && first.Stage == agent.Written && s.cfg.Join != nil:
		return "this host to reboot; its logs can be fetched until then"
	case first.Order == agent.Install && first.Stage == agent.Written:
		return "the rendezvous host to reboot; its logs can be fetched until then"
	case first.Order == agent.Install && s.cfg.Join != nil:
		return fmt.Sprintf("host %s, %s: %s", first.name(), first.Stage, first.Report.Doing)
	case first.Order == agent.Install:
		return fmt.Sprintf("the rendezvous host %s, %s: %s", first.name(), first.Stage, first.Report.Doing)
	}
	if text := s.unfinished(now); text != "" && !s.state.Cluster.Bootkube {
		return "the bootstrap: " + cmp.Or(s.state.Cluster.Present, "starting") + "; " + text
	}
	for _, h := range s.state.Hosts {
		if h.Stage == agent.Rebooting {
			return fmt.Sprintf("%s to become a node; it rebooted at %s", h.name(), h.Since.Format(time.TimeOnly))
		}
	}
	return s.handover(now)
}
