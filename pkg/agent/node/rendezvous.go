package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/ignite"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// serve starts the service, unless it runs.
func (a *Agent) serve(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.svc != nil {
		return
	}
	svc, err := service.New(a.Config, a.StateDir, a.Clock)
	if err != nil {
		a.serving = err
		a.Log.Error("start the service of the rendezvous host", "error", err)
		return
	}
	l, err := a.Listen(ctx)
	if err != nil {
		a.serving = fmt.Errorf("port of the service: %w", err)
		a.Log.Error("start the service of the rendezvous host", "error", err)
		return
	}
	a.Log.Info("this is the rendezvous host", "address", a.Config.Rendezvous.String())
	a.svc, a.serving = svc, nil
	a.beside(func() {
		err := svc.Serve(ctx, l)
		if ctx.Err() != nil {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.svc, a.serving = nil, err // the next step starts it again
		a.Log.Error("the service ended", "error", err)
	})
}

// Files of the bootstrap.
const (
	assetsDir    = "/opt/openshift"
	nodesFile    = assetsDir + "/agent-hosts.json"
	bootkubeDone = assetsDir + "/.bootkube.done"
	// inPlaceConfig is what the bootstrap of a single node makes: its next life, with
	// etcd's data.
	inPlaceConfig = assetsDir + "/master.ign"
	recordsDir    = "/var/log/openshift"
	// bootstrapUnit starts everything else.
	bootstrapUnit = "okd-bootstrap.service"
	sshUnit       = "sshd.service"
)

// keep is what the bootstrap must not change: name and network are those of the node that
// the host becomes.
var keep = []string{"/etc/hostname", "/etc/NetworkManager/system-connections/"}

// retry is the pause after a step of the bootstrap that failed.
const retry = 10 * time.Second

// bootstrap makes the live system a bootstrap host, and tells the service how far it is,
// until ctx ends.
func (a *Agent) bootstrap(ctx context.Context) {
	f := &follower{root: a.Root, nodes: a.Nodes}
	for ctx.Err() == nil {
		pause := a.Interval
		err := a.begin(ctx)
		if err != nil && ctx.Err() == nil {
			a.Log.Error("bootstrap", "error", err)
			pause = min(retry, 10*a.Interval)
		}
		c := f.look(ctx)
		if err != nil {
			c.Problem = &agent.Problem{
				Message: "the bootstrap does not start: " + err.Error(),
				Next:    "log in to the rendezvous host and see: journalctl -u okd-agent; it is tried again",
			}
		}
		a.progress(c)
		a.mu.Lock()
		svc := a.svc
		a.mu.Unlock()
		if svc != nil && ctx.Err() == nil {
			if err := svc.Update(c); err != nil {
				a.Log.Error("service", "error", err)
			}
		}
		_ = a.Clock.Sleep(ctx, pause)
	}
}

// progress shows the bootstrap as what this host does.
func (a *Agent) progress(c service.Cluster) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state.Stage == agent.Bootstrapping {
		a.doing = c.Present
	}
}

// begin applies the config and starts the bootstrap, each once: what runs changes files
// that the config has as well.
func (a *Agent) begin(ctx context.Context) error {
	a.mu.Lock()
	s := a.state
	a.mu.Unlock()
	if s.Started {
		return nil
	}
	if !s.Applied {
		if err := a.apply(ctx, s); err != nil {
			return err
		}
		if err := a.update(func(s *state) error { s.Applied = true; return nil }); err != nil {
			return err
		}
		a.Log.Info("this live system is the bootstrap host now")
	}
	for _, args := range [][]string{{"daemon-reload"}, {"--no-block", "start", "--", bootstrapUnit}} {
		if err := a.Hardware.Run(ctx, "", "systemctl", args...); err != nil {
			return fmt.Errorf("start the bootstrap: %w", err)
		}
	}
	// sshd runs since the boot with a key of its own; that of the config is the one that gather bootstrap knows.
	if err := a.Hardware.Run(ctx, "", "systemctl", "--no-block", "try-reload-or-restart", "--", sshUnit); err != nil {
		a.Log.Warn("sshd goes on with another host key than that of the bootstrap host", "error", err)
	}
	return a.update(func(s *state) error { s.Started = true; return nil })
}

// apply writes what the bootstrap consists of to the live system.
func (a *Agent) apply(ctx context.Context, s state) error {
	raw, err := os.ReadFile(filepath.Join(a.Dir, agent.BootstrapIgnition))
	if err != nil {
		return fmt.Errorf("config of the bootstrap: %w", err)
	}
	plan, err := ignite.Prepare(raw, ignite.Options{Root: a.Root, Run: a.Hardware.Run, Keep: keep})
	if err != nil {
		return err
	}
	if !a.Config.InPlace {
		raw, err := json.Marshal(s.Nodes)
		if err != nil {
			return err
		}
		path := filepath.Join(a.Root, nodesFile)
		err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), atomicfile.Write(path, raw, 0o600))
		if err != nil {
			return fmt.Errorf("list the nodes for the bootstrap: %w", err)
		}
	}
	if err := plan.Apply(ctx); err != nil {
		return err
	}
	return a.describe()
}

// nodesToBe are all nodes, from the order to bootstrap, as the bootstrap reads them from nodesFile:
// it approves their requests for certificates. The caller has the lock.
func (a *Agent) nodesToBe(o agent.Order) []service.Planned {
	own := service.Planned{Hostname: o.Hostname, Role: o.Role}
	for _, nic := range a.inventory.NICs {
		for _, p := range nic.Addresses {
			own.Addresses = append(own.Addresses, p.Addr())
		}
	}
	list := []service.Planned{own}
	for _, p := range o.Peers {
		list = append(list, service.Planned{Hostname: p.Hostname, Role: p.Role, Addresses: p.Addresses})
	}
	machines := func(ip netip.Addr) bool {
		return slices.ContainsFunc(a.Config.MachineNetworks, func(n netip.Prefix) bool { return n.Contains(ip) })
	}
	for i := range list {
		list[i].Addresses = slices.DeleteFunc(slices.Clone(list[i].Addresses),
			func(ip netip.Addr) bool { return !machines(ip) })
		if list[i].Addresses == nil {
			list[i].Addresses = []netip.Addr{}
		}
	}
	return list
}
