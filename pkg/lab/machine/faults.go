package machine

import (
	"context"
	"errors"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/loop"
)

// Break gives a host a fault, or mends all. Cables and the speed of disks change at
// once, and disks die when the host next starts.
func (s *Supervisor) Break(ctx context.Context, id, fault string) error {
	err := s.Change(id, func(hw *engine.Hardware) (err error) {
		if hw.Host == nil {
			return errors.New("only hosts have faults")
		}
		var cards []string
		for i := range hw.NICs {
			cards = append(cards, cardName(i))
		}
		hw.Host.Faults, err = hw.Host.Faults.WithFault(fault, len(hw.Disks), cards)
		return err
	})
	if err != nil {
		return err
	}
	m := s.find(id)
	m.mu.Lock()
	hw, runs := m.next, m.leader != 0
	m.mu.Unlock()
	if !runs { // its next start does it
		return nil
	}
	return errors.Join(m.setLinks(ctx, hw), m.throttle(ctx, hw))
}

// slowDown makes the disks of a host that starts as slow as they should be.
func (m *machine) slowDown(ctx context.Context) error {
	if m.hw.Host == nil || len(m.hw.Host.Faults.Slow) == 0 {
		return nil
	}
	return m.throttle(ctx, m.hw)
}

// setLinks cuts and mends the cables of a host.
func (m *machine) setLinks(ctx context.Context, hw engine.Hardware) error {
	if hw.Host == nil {
		return nil
	}
	for i := range hw.NICs {
		up := !slices.Contains(hw.Host.Faults.Cut, cardName(i))
		if err := m.sup.cfg.Switch.Link(ctx, hw.ID, i, up); err != nil {
			return err
		}
	}
	return nil
}

// throttle sets the speed of the disks.
func (m *machine) throttle(ctx context.Context, hw engine.Hardware) error {
	list, err := loop.List(ctx)
	if err != nil {
		return err
	}
	for i, d := range hw.Disks {
		b, _ := m.sup.cfg.Disks.Boot(d.ID) // its path matters, not whether it can be started
		for _, l := range list {
			if b.Image == "" || l.File != b.Image {
				continue
			}
			n, err := block{node: l.Node}.number()
			if err != nil {
				return err
			}
			if err := m.group().Throttle(n.Major, n.Minor, hw.Host.Faults.Slow[host.DiskName(i)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// dead reports whether a disk answers with errors.
func (m *machine) dead(disk int) bool {
	return m.hw.Host != nil && slices.Contains(m.hw.Host.Faults.Dead, host.DiskName(disk))
}
