package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

const (
	maxReport = 1 << 20 // bytes
	maxList   = 1024    // disks, cards, checks
	maxBoots  = 4       // earlier boots that are remembered
)

// hostID is the form of the id of a host.
var hostID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)

var (
	errFull    = errors.New("more hosts have registered than any cluster has")
	errInvalid = errors.New("invalid report")
)

// decodeReport reads a report, and refuses what no host would say.
func decodeReport(body io.Reader) (agent.Report, error) {
	var r agent.Report
	raw, err := io.ReadAll(io.LimitReader(body, maxReport+1))
	if err != nil {
		return r, err
	}
	if len(raw) > maxReport {
		return r, fmt.Errorf("%w: longer than %d bytes", errInvalid, maxReport)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errInvalid, err)
	}
	stages := []agent.Stage{
		agent.Discovering, agent.Ready, agent.Bootstrapping, agent.Writing, agent.Written, agent.Rebooting, agent.Failed,
	}
	switch inv := r.Inventory; {
	case !slices.Contains(stages, r.Stage):
		return r, fmt.Errorf("%w: stage %q", errInvalid, r.Stage)
	case r.Boot == "" || len(r.Boot) > 80:
		return r, fmt.Errorf("%w: no boot", errInvalid)
	case !hostID.MatchString(inv.ID):
		return r, fmt.Errorf("%w: id %q", errInvalid, inv.ID)
	case len(inv.Disks) > maxList || len(inv.NICs) > maxList || len(r.Checks) > maxList:
		return r, fmt.Errorf("%w: too many disks, cards or checks", errInvalid)
	case r.Hostname != "" && (len(r.Hostname) > 253 || !hostname.MatchString(r.Hostname)):
		return r, fmt.Errorf("%w: hostname %q", errInvalid, r.Hostname)
	case !slices.Contains([]string{"", master, arbiter, worker}, r.Role):
		return r, fmt.Errorf("%w: role %q", errInvalid, r.Role)
	case r.Percent < 0 || r.Percent > 100:
		return r, fmt.Errorf("%w: %d percent", errInvalid, r.Percent)
	}
	return r, nil
}

// maxHosts is how many hosts may register.
func (s *Service) maxHosts() int { return max(32, 2*s.cfg.Required()) }

// Report takes what a host says and answers what it has to do.
func (s *Service) Report(r agent.Report) (agent.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(r.Inventory.ID)
	if h == nil {
		if len(s.state.Hosts) >= s.maxHosts() {
			return agent.Order{}, errFull
		}
		h = &host{ID: r.Inventory.ID, Stage: agent.Discovering, Since: s.clock.Now().UTC()}
		h.Report.Boot = r.Boot
		s.state.Hosts = append(s.state.Hosts, h)
	}
	s.take(h, r)
	s.advance()
	if err := s.save(); err != nil {
		return agent.Order{}, err
	}
	return s.order(h), nil
}

// take updates what is known of a host.
func (s *Service) take(h *host, r agent.Report) {
	now := s.clock.Now().UTC()
	fresh := h.Heard.IsZero()
	switch {
	case r.Boot != h.Report.Boot:
		s.rebooted(h, r)
	case !h.Clash.IsZero() && now.Sub(h.Clash) > forgotten:
		h.Clash, h.Problem = time.Time{}, nil // only one of the machines is left
	}
	h.Report, h.Heard = r, now
	if !s.state.Begun {
		h.Rendezvous = s.cfg.Join != nil || h.hasAddress(s.cfg.Rendezvous)
	}
	if fresh {
		s.event(h, "registered: %s", h.describe(s.cfg))
	}
	blocked := map[string]time.Time{}
	for _, c := range r.Checks {
		if !c.Blocks() {
			continue
		}
		since, known := h.Blocked[c.ID]
		if !known {
			since = now
			if c.Result == agent.Fail {
				s.event(h, "check %s: %s", c.ID, c.Message)
			}
		}
		blocked[c.ID] = since
	}
	for id := range h.Blocked {
		if _, still := blocked[id]; !still {
			s.event(h, "check %s passes now", id)
		}
	}
	h.Blocked = blocked
	if h.Stage == agent.Joined && h.Order == agent.Install && !h.Returned {
		return // a last report that came late
	}
	if r.Stage != h.Stage {
		h.Stage, h.Since = r.Stage, now
		switch {
		case r.Problem != nil:
			s.event(h, "%s: %s", r.Stage, r.Problem.Message)
		case !fresh || r.Stage != agent.Discovering:
			s.event(h, "%s", r.Stage)
		}
	}
}

// rebooted: the host has booted the live system again.
func (s *Service) rebooted(h *host, r agent.Report) {
	if slices.Contains(h.Boots, r.Boot) {
		h.Clash = s.clock.Now().UTC()
		if h.Problem == nil {
			h.Problem = problem("give each machine a UUID and MAC addresses of its own, then boot one of them again",
				"two machines report with the same UUID and MAC address")
			s.event(h, "%s", h.Problem.Message)
		}
		return
	}
	h.Boots = append(h.Boots, h.Report.Boot)
	if over := len(h.Boots) - maxBoots; over > 0 {
		h.Boots = slices.Delete(h.Boots, 0, over)
	}
	if h.Order == agent.Install && h.reached(agent.Written) {
		h.Returned = true
		h.Problem = problem("remove the medium, put the disk first in the boot order, and boot the host again",
			"the disk is written, but the host has booted the installation medium again: fix its boot order")
		s.event(h, "%s", h.Problem.Message)
		return
	}
	if h.Returned {
		s.event(h, "has booted the installation medium once more")
		return
	}
	s.event(h, "has booted again; it was %s", h.Stage)
}
