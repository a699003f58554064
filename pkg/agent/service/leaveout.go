package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// maxLeaveOut bounds a request to leave hosts out (bytes).
const maxLeaveOut = 64 << 10

// errCannot says that the installation cannot do without a host.
var errCannot = errors.New("the installation cannot do without it")

// LeaveOut makes the installation go on without workers, named as in the config. One that has not been ordered
// anything counts again as soon as it is ready, unless the installation has begun by then.
func (s *Service) LeaveOut(names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.state.LeftOut)
	for _, name := range names {
		i := slices.IndexFunc(s.cfg.Hosts, func(h agent.Host) bool { return name != "" && h.Hostname == name })
		switch {
		case i < 0 || s.cfg.Join != nil:
			return fmt.Errorf("%w: %q is no host of the image", errInvalid, name)
		case s.cfg.Hosts[i].Role != worker:
			return fmt.Errorf("host %s: %w: it is a %s", name, errCannot, s.cfg.Hosts[i].Role)
		case !slices.Contains(all, name):
			all = append(all, name)
		}
	}
	if len(all) >= s.cfg.Workers && len(all) > len(s.state.LeftOut) {
		return fmt.Errorf("hosts %s: %w: no worker would be left", strings.Join(all, ", "), errCannot)
	}
	for _, name := range all[len(s.state.LeftOut):] {
		s.event(nil, "host %s is left out", name)
	}
	s.state.LeftOut = all
	s.advance()
	return s.save()
}

// readmit lets hosts count again that are ready before the installation begins.
func (s *Service) readmit() {
	now := s.clock.Now()
	for _, h := range s.state.Hosts {
		if s.leftOut(h) && h.Problem == nil && h.ready() && !h.silent(now) {
			own := s.configured(h)
			s.state.LeftOut = slices.DeleteFunc(s.state.LeftOut, func(name string) bool { return name == own })
			s.event(h, "is ready, and is not left out any more")
		}
	}
}

// leftOut reports whether the installation goes on without a host. One that comes after the orders has no name here.
func (s *Service) leftOut(h *host) bool {
	return len(s.state.LeftOut) > 0 && slices.Contains(s.state.LeftOut, s.configured(h))
}

// configured is the name that the config has for a host, empty if it has none.
func (s *Service) configured(h *host) string {
	for _, settings := range s.cfg.Hosts {
		if slices.ContainsFunc(settings.MACs, func(m string) bool { return slices.Contains(h.macs(), strings.ToLower(m)) }) {
			return settings.Hostname
		}
	}
	return ""
}

// counted are the hosts that have registered and are not left out.
func (s *Service) counted() []*host {
	return slices.DeleteFunc(slices.Clone(s.state.Hosts), s.leftOut)
}

// required is the number of hosts that the installation waits for.
func (s *Service) required() int { return s.cfg.Required() - len(s.state.LeftOut) }

// decodeLeaveOut reads a request to leave hosts out.
func decodeLeaveOut(body io.Reader) (agent.LeaveOut, error) {
	var l agent.LeaveOut
	raw, err := io.ReadAll(io.LimitReader(body, maxLeaveOut+1))
	if err != nil {
		return l, err
	}
	if len(raw) > maxLeaveOut {
		return l, fmt.Errorf("%w: longer than %d bytes", errInvalid, maxLeaveOut)
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, fmt.Errorf("%w: %w", errInvalid, err)
	}
	if len(l.Hosts) == 0 || len(l.Hosts) > maxList {
		return l, fmt.Errorf("%w: %d hosts", errInvalid, len(l.Hosts))
	}
	return l, nil
}

func (s *Service) postLeaveOut(w http.ResponseWriter, r *http.Request) {
	l, err := decodeLeaveOut(r.Body)
	if err == nil {
		err = s.LeaveOut(l.Hosts)
	}
	switch {
	case errors.Is(err, errInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, errCannot):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
