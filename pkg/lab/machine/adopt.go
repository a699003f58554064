package machine

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// adopt takes over a machine that ran before the lab's daemon was restarted.
// One that had not got past its firmware is off now.
func (s *Supervisor) adopt(id string) error {
	m := s.newMachine(engine.Hardware{ID: id})
	if err := m.load(); err != nil {
		return err
	}
	m.log = s.cfg.Log.With("machine", m.hw.Name)
	s.machines[id] = m
	pid := m.launcher()
	if pid == 0 {
		ctx := context.Background()
		return errors.Join(m.group().Kill(ctx), m.group().Remove(ctx), m.detach(ctx))
	}
	leader := 0
	for _, nspawn := range children(pid) {
		for _, c := range children(nspawn) {
			leader = c
		}
	}
	if leader != 0 {
		// The mount of the namespace went with the old daemon.
		if err := netns.Bind(leader, m.namespace()); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.powerOn(engine.StateUp, func(ctx context.Context) outcome {
		return m.watch(ctx, pid, m.ended())
	})
	return nil
}

// launcher is the process that runs the machine, 0 if it does not run.
func (m *machine) launcher() int {
	return command.Running(filepath.Join(m.dir, pidFile), filepath.Join(m.dir, exitFile))
}

// ended is closed when a launcher that is not our child has ended.
func (m *machine) ended() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m.launcher() != 0 {
			<-m.sup.cfg.Clock.After(100 * time.Millisecond)
		}
	}()
	return done
}

// addresses lists the global IPv4 addresses of a namespace's network cards.
func addresses(namespace string) []netip.Addr {
	var found []netip.Addr
	_ = netns.Do(namespace, func() error {
		links, err := net.Interfaces()
		if err != nil {
			return err
		}
		for _, l := range links {
			if !strings.HasPrefix(l.Name, "ens") && !strings.HasPrefix(l.Name, "br-ex") {
				continue
			}
			addrs, err := l.Addrs()
			if err != nil {
				return err
			}
			for _, a := range addrs {
				if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
					found = append(found, p.Addr())
				}
			}
		}
		return nil
	})
	return found
}
