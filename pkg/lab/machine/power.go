package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// outcome is how a run of the system ended.
type outcome string

const (
	poweredOff outcome = "powered off"
	rebooted   outcome = "rebooted"
	crashed    outcome = "crashed"
	// halted: firmware found nothing to start, or the system stopped without
	// switching the machine off. It stays on and does nothing.
	halted outcome = "halted"
)

// powerOn starts a run of the machine; first is what the run begins with. The
// caller holds m.mu.
func (m *machine) powerOn(state engine.State, first func(context.Context) outcome) {
	power, cut := context.WithCancel(context.Background())
	m.state, m.cut, m.done = state, cut, make(chan struct{})
	cycle, reset := context.WithCancel(power)
	m.reset = reset
	go m.run(power, cycle, first)
}

// run goes from power on to power off.
func (m *machine) run(power, cycle context.Context, step func(context.Context) outcome) {
	for {
		end := step(cycle)
		m.stopSystem()
		if power.Err() != nil || (end == poweredOff && cycle.Err() == nil) {
			break
		}
		if end == halted && cycle.Err() == nil {
			<-cycle.Done()
			if power.Err() != nil {
				break
			}
		}
		m.note("machine resets (%s)", end)
		cycle = m.nextCycle(power)
		if err := m.plugIn(power); err != nil {
			m.note("network cards cannot be connected: %v", err)
			break
		}
		step = m.boot
	}
	m.unplug()
	m.note("power is off")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut()
	m.state = engine.StateDown
	close(m.done)
}

func (m *machine) nextCycle(power context.Context) context.Context {
	cycle, reset := context.WithCancel(power)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reset()
	m.reset, m.state = reset, engine.StateStarting
	return cycle
}

// stopSystem leaves nothing of the system's processes and mounts.
func (m *machine) stopSystem() {
	m.mu.Lock()
	m.leader = 0
	m.mu.Unlock()
	ctx := context.Background() // the caller may stop waiting; the power still goes off
	err := errors.Join(
		m.group().Kill(ctx),
		m.group().Remove(ctx),
		m.unmountRoot(),
		m.detach(ctx),
		os.RemoveAll(filepath.Join(m.dir, pidFile)))
	if err != nil {
		m.log.Warn("the machine left something behind", "error", err)
	}
	// Not only at power off: a live system may have written another image.
	m.sup.images.release(m.hw.ID)
}

func (m *machine) group() cgroup.Group {
	return m.sup.cfg.Cgroups.Group(filepath.Join(m.sup.cfg.Group, m.hw.ID))
}

// namespace is the file of the machine's network namespace.
func (m *machine) namespace() string { return filepath.Join(m.dir, "netns") }

// cardName is the system's name of a network card, the first of which is 0.
func cardName(index int) string { return fmt.Sprintf("ens%d", 3+index) }

func (m *machine) cables() []network.Cable {
	var cables []network.Cable
	for i, n := range m.hw.NICs {
		cables = append(cables, network.Cable{
			ID: m.hw.ID, Index: i, Namespace: m.namespace(),
			Interface: cardName(i), MAC: n.MAC,
		})
	}
	return cables
}

// plugIn connects fresh network cards: what the last run had set up on them,
// virtual addresses for example, is gone as on a real machine.
func (m *machine) plugIn(ctx context.Context) error {
	if err := netns.Create(m.namespace()); err != nil {
		return err
	}
	for _, c := range m.cables() {
		if err := m.sup.cfg.Switch.Attach(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) unplug() {
	for _, c := range m.cables() {
		m.sup.cfg.Switch.Detach(context.Background(), c)
	}
	if err := netns.Delete(m.namespace()); err != nil {
		m.log.Warn("network cards are still there", "error", err)
	}
}

// maxConsole bounds what is kept of earlier runs.
const maxConsole = 4 << 20

// console opens the console log for appending.
func (m *machine) console() (*os.File, error) {
	path := filepath.Join(m.dir, consoleFile)
	if info, err := os.Stat(path); err == nil && info.Size() > maxConsole {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// note prints a line of the firmware on the console.
func (m *machine) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	m.log.Info(line)
	f, err := m.console()
	if err != nil {
		m.log.Warn("no console", "error", err)
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "%s firmware: %s\n", m.sup.cfg.Clock.Now().UTC().Format("15:04:05.000"), line)
}
