package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
	"github.com/okd-install/okd-install/pkg/agent/disk"
	"github.com/okd-install/okd-install/pkg/agent/inventory"
	"github.com/okd-install/okd-install/pkg/agent/network"
	"github.com/okd-install/okd-install/pkg/clock"
)

// System is the live system that the agent runs on.
type System struct {
	cfg      *agent.Config
	stateDir string
	clock    clock.Clock
	checks   *check.Runner
}

// NewSystem returns it. Checks that take time end with ctx.
func NewSystem(ctx context.Context, cfg *agent.Config, stateDir string, clk clock.Clock) *System {
	return &System{cfg, stateDir, clk, check.NewRunner(ctx, check.System(clk), check.All())}
}

// Inventory implements Hardware.
func (s *System) Inventory(ctx context.Context) (agent.Inventory, error) {
	return inventory.Read(ctx, "/")
}

// Choose implements Hardware.
func (s *System) Choose(inv agent.Inventory, role string) (agent.Disk, error) {
	host, err := s.settings(inv)
	if err != nil {
		return agent.Disk{}, err
	}
	return check.Choose(check.Input{Config: s.cfg, Inventory: inv, Host: host, Order: &agent.Order{Role: role}})
}

// settings are those of agent-config.yaml for this host, nil if there are none.
func (s *System) settings(inv agent.Inventory) (*agent.Host, error) {
	var macs []string
	for mac := range network.Cards(inv.NICs) {
		macs = append(macs, mac)
	}
	return network.HostOf(s.cfg.Hosts, macs)
}

// Check implements Hardware.
func (s *System) Check(ctx context.Context, in Situation) []agent.Check {
	host, err := s.settings(in.Inventory)
	if err != nil {
		return []agent.Check{{ID: check.Hostname, Result: agent.Fail, Problem: agent.Problem{
			Message: err.Error(), Next: "correct the MAC addresses in " + s.cfg.HostsFile() + ", and make a new image",
		}}}
	}
	installing := in.Order != nil && (in.Order.Action != agent.Wait || in.Order.Running)
	results := s.checks.Results(ctx, check.Input{
		Config: s.cfg, Inventory: in.Inventory, Host: host, Rendezvous: in.Rendezvous, Order: in.Order,
		OrderAt: in.Heard, Silence: in.Contact, Installing: installing,
	})
	if installing {
		withoutOthers(results)
	}
	return results
}

// withoutOthers makes warnings of what checks say about the other hosts. A host that has lost
// its power meets them while they reboot.
func withoutOthers(results []agent.Check) {
	for i := range results {
		r := &results[i]
		if r.Blocks() && (r.ID == check.Connectivity || r.ID == check.MTU) {
			r.Result = agent.Warn
		}
	}
}

// Write implements Hardware. The disk gets the network configuration that the image has for
// this host, and nothing of what the live system has made up.
func (s *System) Write(ctx context.Context, w Writing) error {
	root := filepath.Join(s.stateDir, "network")
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	found, err := network.Apply(root, agent.NetworkDir, network.Cards(w.Inventory.NICs))
	if err != nil {
		return err
	}
	o := disk.Options{
		Disk: w.Disk, Ignition: w.Ignition, UEFI: w.Inventory.UEFI, Inventory: s.Inventory, Progress: w.Progress,
		Runner: disk.System{}, Clock: s.clock, Cluster: s.cfg.InfraID,
	}
	if w.Final {
		o.Image = s.cfg.Image
	}
	if found.Host != "" {
		o.NetworkDir = filepath.Join(root, "etc/NetworkManager/system-connections")
	}
	return disk.Install(ctx, o)
}

// SetHostname implements Hardware.
func (s *System) SetHostname(name string) error { return network.SetHostname("/", name) }

// Reboot implements Hardware.
func (s *System) Reboot(ctx context.Context) error { return s.Run(ctx, "", "systemctl", "reboot") }

const (
	// lastWords is how much of the output of a program is in its error.
	lastWords = 600
	// wind is how long output may be open after the end of a program.
	wind = 5 * time.Second
)

// Run implements Hardware.
func (s *System) Run(ctx context.Context, stdin, name string, args ...string) error {
	out := &tail{limit: lastWords}
	cmd := program(ctx, name, args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), out, out
	return said(cmd.Run(), name, out)
}

// Output implements Hardware.
func (s *System) Output(ctx context.Context, limit int, name string, args ...string) ([]byte, error) {
	out, errOut := &tail{limit: limit}, &tail{limit: lastWords}
	cmd := program(ctx, name, args)
	cmd.Stdout, cmd.Stderr = out, errOut
	err := said(cmd.Run(), name, errOut)
	return out.kept[max(len(out.kept)-limit, 0):], err
}

func program(ctx context.Context, name string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.WaitDelay = wind
	return cmd
}

// said adds the last words of a program to its error.
func said(err error, name string, out *tail) error {
	words := strings.Join(strings.Fields(string(out.kept)), " ")
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it has ended; something that it started has not
		return nil
	case words == "":
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s: %w: %s", name, err, words)
}

// tail keeps the end of what is written to it.
type tail struct {
	limit int
	kept  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if len(t.kept) > 2*t.limit {
		t.kept = bytes.Clone(t.kept[len(t.kept)-t.limit:])
	}
	return len(b), nil
}
