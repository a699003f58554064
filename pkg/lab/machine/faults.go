package machine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
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

// impair makes a host that starts as faulty as it should be.
func (m *machine) impair(ctx context.Context) error {
	if m.hw.Host == nil {
		return nil
	}
	err := m.setLinks(ctx, m.hw)
	if len(m.hw.Host.Faults.Slow) > 0 {
		err = errors.Join(err, m.throttle(ctx, m.hw))
	}
	return err
}

// setLinks cuts and mends the cables.
func (m *machine) setLinks(ctx context.Context, hw engine.Hardware) error {
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
	list, err := loops(ctx)
	if err != nil {
		return err
	}
	for i, d := range hw.Disks {
		b, _ := m.sup.cfg.Disks.Boot(d.ID) // its path matters, not whether it can be started
		for _, l := range list {
			if b.Image == "" || l.file != b.Image {
				continue
			}
			n, err := block{node: l.node}.number()
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

// memory is how the file of a dead disk is called, which has no place in a directory.
const memory = "/memfd:"

// deadLoop is a disk on which every access fails: what it was made from has shrunk to
// nothing, and cannot grow.
func (m *machine) deadLoop(ctx context.Context, name string, size int64) (node string, err error) {
	fd, err := unix.MemfdCreate(m.dir+"/"+name, unix.MFD_ALLOW_SEALING)
	if err != nil {
		return "", fmt.Errorf("make dead disk: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, size); err != nil {
		return "", fmt.Errorf("make dead disk: %w", err)
	}
	if node, err = loop(ctx, fmt.Sprintf("/proc/%d/fd/%d", unix.Getpid(), fd)); err != nil {
		return "", fmt.Errorf("make dead disk: %w", err)
	}
	err = unix.Ftruncate(fd, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		return "", fmt.Errorf("make dead disk: %w", err)
	}
	return node, nil
}

// backing is the file behind a loop device as a path that says whose it is.
func backing(file string) string { return strings.TrimPrefix(file, memory) }
