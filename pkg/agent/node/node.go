// Package node is the agent of a host: it says what the host is and does what the service
// of the rendezvous host orders. On that host it runs the service, the bootstrap and the
// handover as well.
//
// Every step may be killed and is taken up again: what has been ordered and how far it is
// done is in a file, which is as old as the live system.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Situation is what checks are made for.
type Situation struct {
	Config    *agent.Config
	Inventory agent.Inventory
	Role      string // empty until it is decided
	// Disk is the chosen one; without one DiskError says why.
	Disk      *agent.Disk
	DiskError error
	// Order is the last one, and Heard when it came, by the clock of this host. It is nil
	// until the service has answered.
	Order *agent.Order
	Heard time.Time
	// Contact is why the service does not answer.
	Contact    error
	Rendezvous bool
}

// Writing is what a disk is written with.
type Writing struct {
	Disk agent.Disk
	// Ignition is the file with the config of the host's next life.
	Ignition  string
	Inventory agent.Inventory
	Progress  func(percent int, line string)
}

// Hardware is what the agent asks of the host it runs on.
type Hardware interface {
	Inventory(ctx context.Context) (agent.Inventory, error)
	// Choose finds the disk to install to. The role is empty until it is decided.
	Choose(inv agent.Inventory, role string) (agent.Disk, error)
	// Check makes the checks, which may take a while.
	Check(ctx context.Context, s Situation) []agent.Check
	// Write writes a disk.
	Write(ctx context.Context, w Writing) error
	SetHostname(name string) error
	Reboot(ctx context.Context) error
	// Run runs a program.
	Run(ctx context.Context, stdin, name string, args ...string) error
	// Output is that of a program, at most limit bytes of its end.
	Output(ctx context.Context, limit int, name string, args ...string) ([]byte, error)
}

// Service is that of the rendezvous host, as its client sees it.
type Service interface {
	Report(ctx context.Context, r agent.Report) (agent.Order, error)
	SendLogs(ctx context.Context, id string, archive []byte) error
}

// Options are what an agent runs with.
type Options struct {
	Config *agent.Config
	// Dir has the Ignition configs, StateDir is the agent's own, and Root is "/".
	Dir, StateDir, Root string
	// Boot is different after every boot.
	Boot     string
	Interval time.Duration
	Clock    clock.Clock
	Log      *slog.Logger
	Hardware Hardware
	Service  Service
	// Listen opens the port of the service on the rendezvous host.
	Listen func(ctx context.Context) (net.Listener, error)
	// Nodes asks the API of a kubeconfig for the cluster's nodes.
	Nodes func(ctx context.Context, kubeconfig []byte) ([]service.Node, error)
	// Standing asks the API of a kubeconfig whether the cluster is there already.
	Standing func(ctx context.Context, kubeconfig []byte) (*service.Standing, error)
	// Mark notes in the cluster that a host has written its disk.
	Mark func(ctx context.Context, kubeconfig []byte, hostname string, at time.Time) error
	// Secrets are hidden in logs, apart from those of the config.
	Secrets []secret.String
}

// Agent is the agent of one host.
type Agent struct {
	Options
	// group has what runs beside the loop.
	group sync.WaitGroup
	wake  chan struct{}

	mu        sync.Mutex
	state     state
	inventory agent.Inventory
	order     *agent.Order
	heard     time.Time
	contact   error
	checked   checked
	doing     string
	percent   int
	svc       *service.Service
	serving   error // why the service does not run
	failing   error // why the last step ended

	checking, writing, bootstrapping, seeking bool
	sought                                    time.Time // when to look for the cluster again
}

// checked are the results of the last checks, and the role that they were made for.
type checked struct {
	role    string
	results []agent.Check
}

// Run is the agent. It returns when ctx ends, or if its own files cannot be used.
func Run(ctx context.Context, o Options) error {
	a := &Agent{Options: o, wake: make(chan struct{}, 1)}
	if err := a.load(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer a.group.Wait()
	defer cancel()
	for ctx.Err() == nil {
		err := a.step(ctx)
		if err != nil && ctx.Err() == nil {
			a.Log.Error("step", "error", err)
		}
		a.mu.Lock()
		a.failing = err
		a.mu.Unlock()
		a.leaveSelf()
		select {
		case <-a.Clock.After(a.Interval):
		case <-a.wake:
		case <-ctx.Done():
		}
	}
	return nil
}

// again makes the next step begin now.
func (a *Agent) again() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// beside runs something beside the loop.
func (a *Agent) beside(do func()) {
	a.group.Go(do)
}

// step looks at the host, reports, and does what it is told.
func (a *Agent) step(ctx context.Context) error {
	inv, err := a.Hardware.Inventory(ctx)
	if err != nil {
		return fmt.Errorf("inventory of this host: %w", err)
	}
	a.mu.Lock()
	a.inventory = inv
	a.mu.Unlock()
	if a.isRendezvous() {
		a.serve(ctx)
		a.seek(ctx)
	}
	a.resume(ctx)
	r := a.report()
	order, err := a.Service.Report(ctx, r)
	a.mu.Lock()
	changed := fmt.Sprint(err) != fmt.Sprint(a.contact)
	a.contact = err
	if err == nil {
		a.order, a.heard = &order, a.Clock.Now()
	}
	a.mu.Unlock()
	a.check(ctx)
	if err != nil {
		if changed && ctx.Err() == nil {
			a.Log.Warn("no answer", "error", err)
		}
		return nil
	}
	if changed {
		a.Log.Info("the rendezvous host answers")
	}
	return a.obey(ctx, r, order)
}

func (a *Agent) isRendezvous() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Config.Join != nil {
		return true
	}
	for _, nic := range a.inventory.NICs {
		for _, p := range nic.Addresses {
			if p.Addr() == a.Config.Rendezvous {
				return true
			}
		}
	}
	return a.svc != nil // an address that is gone for a moment
}

// report is what is said of the host now.
func (a *Agent) report() agent.Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := agent.Report{
		Boot: a.Boot, Time: a.Clock.Now().UTC(), Inventory: a.inventory, Stage: a.state.Stage,
		Hostname: a.state.Hostname, Role: a.state.Role, Checks: a.checked.results, Disk: a.state.Disk.Path,
		Doing: a.doing, Percent: a.percent, Problem: a.state.Problem,
	}
	if a.inventory.ID == "" {
		r.Stage = agent.Discovering // nothing is known yet
		return r
	}
	if !a.state.ordered() {
		r.Role = a.checked.role
		disk, err := a.Hardware.Choose(a.inventory, a.checked.role)
		if err == nil {
			r.Disk = disk.Path
		} // else check disk says why
		r.Stage = agent.Discovering
		if err == nil && passed(a.checked.results) {
			r.Stage = agent.Ready
		}
	}
	return r
}

// passed reports whether the checks were made, and nothing blocks.
func passed(results []agent.Check) bool {
	for _, c := range results {
		if c.Blocks() {
			return false
		}
	}
	return len(results) > 0
}

// check starts checks beside the loop, unless they run, or the host is past them.
func (a *Agent) check(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.checking || a.state.ordered() {
		return
	}
	s := Situation{
		Config: a.Config, Inventory: a.inventory, Order: a.order, Heard: a.heard, Contact: a.contact,
		Rendezvous: a.svc != nil,
	}
	if a.order != nil {
		s.Role = a.order.Role
	}
	disk, err := a.Hardware.Choose(a.inventory, s.Role)
	if err == nil {
		s.Disk = &disk
	}
	s.DiskError = err
	a.checking = true
	a.beside(func() {
		results := a.Hardware.Check(ctx, s)
		a.mu.Lock()
		defer a.mu.Unlock()
		first := !passed(a.checked.results) && passed(results)
		a.checked, a.checking = checked{s.Role, results}, false
		if first {
			a.again() // the others may be waiting for this host
		}
	})
}

// obey does what the host is told, once it is able to.
func (a *Agent) obey(ctx context.Context, r agent.Report, o agent.Order) error {
	if r.Stage == agent.Rebooting {
		a.Log.Info("rebooting from the disk")
		return a.Hardware.Reboot(ctx)
	}
	switch {
	case r.Stage == agent.Written && o.Action == agent.Install:
		return a.leave(ctx, o.Reboot)
	case o.Action == agent.Bootstrap && r.Stage == agent.Ready:
		return a.accept(ctx, o, agent.Bootstrapping)
	case o.Action == agent.Install && (r.Stage == agent.Ready || r.Stage == agent.Bootstrapping):
		return a.accept(ctx, o, agent.Writing)
	}
	return nil
}

// accept remembers an order and begins.
func (a *Agent) accept(ctx context.Context, o agent.Order, stage agent.Stage) error {
	err := a.update(func(s *state) error {
		disk, err := a.Hardware.Choose(a.inventory, o.Role)
		if err != nil {
			return fmt.Errorf("choose the disk again: %w", err)
		}
		s.Stage, s.Hostname, s.Role, s.Disk = stage, o.Hostname, o.Role, disk
		if stage == agent.Bootstrapping {
			s.Nodes = a.nodesToBe(o)
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.Log.Info("order", "stage", string(stage), "hostname", o.Hostname, "role", o.Role)
	// So that logs have the name. The next life gets it from its Ignition config.
	if err := a.Hardware.SetHostname(o.Hostname); err != nil {
		a.Log.Warn("set hostname", "error", err)
	}
	a.resume(ctx)
	return nil
}

// resume starts what the stage of the host needs and is not running.
func (a *Agent) resume(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state.Stage == agent.Writing && !a.writing {
		a.writing = true
		a.beside(func() { a.write(ctx) })
	}
	// The bootstrap is watched until this host reboots.
	if a.state.Bootstrap && a.svc != nil && !a.bootstrapping {
		a.bootstrapping = true
		a.beside(func() { a.bootstrap(ctx) })
	}
}
