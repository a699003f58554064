// Package machine runs the lab's machines: systemd-nspawn containers behind a
// firmware that finds the system on the disk, runs the real Ignition on its
// first boot and starts it, with the power button of a real machine.
package machine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// Disks finds the system on a disk, and the disk itself for a system that
// writes another one to it.
type Disks interface {
	Boot(id string) (volume.Bootable, error)
	Raw(id string) (path string, err error)
	// Settle follows when nobody writes to the file that Raw returned any more.
	Settle(id string) error
}

// Config is what a Supervisor needs.
type Config struct {
	Dir      string         // state of the machines
	Disks    Disks          // where they boot from
	Switch   network.Switch // what their network cards are connected to
	Cgroups  *cgroup.Host   // where their processes are counted
	Group    string         // parent group of all of them
	Ignition string         // the Ignition binary
	Clock    clock.Clock
	Log      *slog.Logger
}

// Supervisor starts, stops and restarts machines. It implements
// engine.Machines.
type Supervisor struct {
	cfg    Config
	images *images

	mu       sync.Mutex
	machines map[string]*machine
}

var _ engine.Machines = (*Supervisor)(nil)

// machine is one machine; most of it is guarded by mu.
type machine struct {
	sup *Supervisor
	dir string
	log *slog.Logger

	mu     sync.Mutex
	hw     engine.Hardware // of this run; only the run itself changes it
	next   engine.Hardware // of the next start
	state  engine.State
	leader int                // its first process, 0 while the system does not run
	cut    context.CancelFunc // cuts the power of this run
	reset  context.CancelFunc // cuts it and starts again
	done   chan struct{}      // closed at the end of this run
	agent  agent
}

// The files of one machine.
const (
	hardwareFile = "hardware.json" // with secrets in its user data
	consoleFile  = "console.log"
	pidFile      = "pid" // of the launcher while the system runs
	exitFile     = "exit"
)

// New takes over the machines in cfg.Dir that still run.
func New(cfg Config) (*Supervisor, error) {
	// Searchable by all: Ignition becomes the user whose home it writes to.
	if err := os.MkdirAll(cfg.Dir, 0o711); err != nil {
		return nil, fmt.Errorf("open machines: %w", err)
	}
	s := &Supervisor{cfg: cfg, images: newImages(filepath.Join(cfg.Dir, ".images")), machines: map[string]*machine{}}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open machines: %w", err)
	}
	for _, e := range entries {
		if idPattern.MatchString(e.Name()) {
			if err := s.adopt(e.Name()); err != nil {
				cfg.Log.Warn("a machine could not be taken over", "machine", e.Name(), "error", err)
			}
		}
	}
	return s, nil
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// find returns a machine. One that is not known is off.
func (s *Supervisor) find(id string) *machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[id]; m != nil {
		return m
	}
	return &machine{state: engine.StateDown}
}

func (s *Supervisor) findOrAdd(hw engine.Hardware) (*machine, error) {
	if !idPattern.MatchString(hw.ID) {
		return nil, fmt.Errorf("machine id %q is not usable", hw.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[hw.ID]
	if m == nil {
		m = s.newMachine(hw)
		s.machines[hw.ID] = m
	}
	return m, nil
}

func (s *Supervisor) newMachine(hw engine.Hardware) *machine {
	return &machine{
		sup: s, hw: hw, next: hw, state: engine.StateDown,
		dir: filepath.Join(s.cfg.Dir, hw.ID),
		log: s.cfg.Log.With("machine", hw.Name),
	}
}

// Start powers a machine on.
func (s *Supervisor) Start(ctx context.Context, hw engine.Hardware) error {
	m, err := s.findOrAdd(hw)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != engine.StateDown {
		return fmt.Errorf("start machine %s: it is %s", hw.Name, m.state)
	}
	m.hw, m.next = hw, hw
	if err := m.save(); err != nil {
		return fmt.Errorf("start machine %s: %w", hw.Name, err)
	}
	if err := m.plugIn(ctx); err != nil {
		m.unplug()
		return fmt.Errorf("start machine %s: %w", hw.Name, err)
	}
	m.powerOn(engine.StateStarting, m.boot)
	return nil
}

// Define makes a machine without switching it on.
func (s *Supervisor) Define(hw engine.Hardware) error {
	m, err := s.findOrAdd(hw)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.save(); err != nil {
		return fmt.Errorf("make machine %s: %w", hw.Name, err)
	}
	return nil
}

// Change changes the hardware that the machine has from its next start on, be it
// by reset or reboot.
func (s *Supervisor) Change(id string, change func(*engine.Hardware) error) error {
	m := s.find(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sup == nil {
		return fmt.Errorf("change machine %s: there is none", id)
	}
	before := m.next
	if before.Host != nil {
		spec := *before.Host // the run has the old one
		m.next.Host = &spec
	}
	err := change(&m.next)
	if err == nil {
		err = m.save()
	}
	if err != nil {
		m.next = before
		return fmt.Errorf("change machine %s: %w", before.Name, err)
	}
	return nil
}

// Insert changes what is in the first drive. The system that runs keeps what it was started from.
func (s *Supervisor) Insert(id string, medium *engine.Media) error {
	return s.Change(id, func(hw *engine.Hardware) error {
		hw.Media = medium
		return nil
	})
}

// takeNext makes what has been changed the hardware of this start.
func (m *machine) takeNext() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hw = m.next
	if m.next.Host == nil || m.next.Host.Once == "" {
		return nil
	}
	spec := *m.next.Host
	spec.Once = ""
	m.next.Host = &spec
	return m.save()
}

// Shutdown presses the power button.
func (s *Supervisor) Shutdown(ctx context.Context, id string) error {
	m := s.find(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.state == engine.StateDown:
		return nil
	case m.leader == 0: // nothing listens to the button before the system runs
		m.state = engine.StateStopping
		m.cut()
		return nil
	}
	m.state = engine.StateStopping
	return shutdown(m.leader)
}

// PowerOff cuts the power and returns when it is off.
func (s *Supervisor) PowerOff(ctx context.Context, id string) error {
	m := s.find(id)
	m.mu.Lock()
	if m.state == engine.StateDown {
		m.mu.Unlock()
		return nil
	}
	m.cut()
	done := m.done
	m.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("power off machine %s: %w", id, ctx.Err())
	}
}

// Reset presses the reset button.
func (s *Supervisor) Reset(_ context.Context, id string) error {
	m := s.find(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == engine.StateDown {
		return fmt.Errorf("reset machine %s: it is not running", id)
	}
	m.reset()
	return nil
}

// Remove forgets a machine.
func (s *Supervisor) Remove(ctx context.Context, id string) error {
	if err := s.PowerOff(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[id]
	if m == nil {
		return nil
	}
	delete(s.machines, id)
	if err := os.RemoveAll(m.dir); err != nil {
		return fmt.Errorf("remove machine %s: %w", id, err)
	}
	return nil
}

// State returns the power state of a machine.
func (s *Supervisor) State(id string) engine.State {
	m := s.find(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Addresses are those on the machine's network cards, virtual ones included.
func (s *Supervisor) Addresses(id string) []netip.Addr {
	m := s.find(id)
	m.mu.Lock()
	running := m.leader != 0
	m.mu.Unlock()
	if !running {
		m.agent.forget()
		return nil
	}
	return m.agent.addresses(s.cfg.Clock.Now(), func() []netip.Addr { return addresses(m.namespace()) })
}

// Status is what the lab's operator sees of a machine.
type Status struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	State     engine.State `json:"state"`
	Leader    int          `json:"pid,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"`
	Console   string       `json:"console"`
	// Standalone machines are not the engine's.
	Standalone bool `json:"standalone,omitempty"`
	// Host: it is in the rack, and looks like hardware.
	Host bool `json:"host,omitempty"`
	// Join are the files through which a process enters the machine's groups.
	Join []string `json:"join,omitempty"`
}

// Enter is the command line that runs argv inside the machine's system. A shell
// that stays outside of the system's processes waits for argv: nsenter's own
// wait stops itself when the system, shutting down, stops all that runs in it,
// and a process that is not reaped keeps the system from ever ending.
func (s Status) Enter(argv []string) []string {
	return append([]string{
		"nsenter", "--target", strconv.Itoa(s.Leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--no-fork",
		"--cgroup", "--wdns=/", "--",
		"sh", "-c", `"$@"; exit $?`, "sh",
	}, argv...)
}

// List describes all machines, by name.
func (s *Supervisor) List() []Status {
	s.mu.Lock()
	known := make([]*machine, 0, len(s.machines))
	for _, m := range s.machines {
		known = append(known, m)
	}
	s.mu.Unlock()
	list := make([]Status, 0, len(known))
	for _, m := range known {
		m.mu.Lock()
		st := Status{
			ID: m.hw.ID, Name: m.hw.Name, State: m.state, Leader: m.leader,
			Console: filepath.Join(m.dir, consoleFile), Join: m.group().Join(), Standalone: m.hw.Standalone,
			Host: m.hw.Standalone && m.hw.Host != nil,
		}
		m.mu.Unlock()
		if st.Leader != 0 { // fresh ones, not those of the agent
			st.Addresses = addresses(m.namespace())
		}
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return list
}

// Hardware is what a machine has at its next start.
func (s *Supervisor) Hardware(id string) (engine.Hardware, bool) {
	m := s.find(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.next, m.next.ID != ""
}

// Close cuts the power of every machine.
func (s *Supervisor) Close(ctx context.Context) error {
	var errs []error
	for _, st := range s.List() {
		errs = append(errs, s.PowerOff(ctx, st.ID))
	}
	return errors.Join(errs...)
}

func (m *machine) save() error {
	if err := os.MkdirAll(m.dir, 0o711); err != nil {
		return err
	}
	b, err := json.Marshal(m.next)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(m.dir, hardwareFile), b, 0o600)
}

func (m *machine) load() error {
	b, err := os.ReadFile(filepath.Join(m.dir, hardwareFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &m.next); err != nil {
		return err
	}
	m.hw = m.next
	return nil
}
