package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/ignite"
	"github.com/okd-install/okd-install/pkg/agent/service"
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
	installTo    = assetsDir + "/bootstrap-in-place/installation-disk"
	bootkubeDone = assetsDir + "/.bootkube.done"
	recordsDir   = "/var/log/openshift"
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
		if err := a.progress(c, f); err != nil {
			a.Log.Error("state", "error", err)
		}
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
func (a *Agent) progress(c service.Cluster, f *follower) error {
	a.mu.Lock()
	before := a.state.Stage
	if a.Config.InPlace || before == agent.Bootstrapping {
		a.doing = c.Present
	}
	a.mu.Unlock()
	if !a.Config.InPlace {
		return nil
	}
	now := f.inPlaceStage()
	if now == before {
		return nil
	}
	a.again()
	return a.update(func(s *state) error { s.Stage = now; return nil })
}

// begin applies the config and starts the units, each once: what runs changes files that
// the config has as well.
func (a *Agent) begin(ctx context.Context) error {
	a.mu.Lock()
	s := a.state
	a.mu.Unlock()
	if s.Started {
		return nil
	}
	plan, err := a.prepare(s)
	if err != nil {
		return err
	}
	if !s.Applied {
		if err := plan.Apply(ctx); err != nil {
			return err
		}
		if err := a.update(func(s *state) error { s.Applied = true; return nil }); err != nil {
			return err
		}
		a.Log.Info("this live system is the bootstrap host now")
	}
	if a.bare() {
		// The target fetches the node image, mounts it, and goes on to the ordinary target.
		// It is retried by its services; here it is only waited for.
		return a.Hardware.Run(ctx, "", "systemctl", "--no-block", "start", "node-image-overlay.target")
	}
	if err := a.Hardware.Run(ctx, "", "systemctl", "daemon-reload"); err != nil {
		return err
	}
	args := append([]string{"--no-block", "start", "--"}, plan.Enabled()...)
	if err := a.Hardware.Run(ctx, "", "systemctl", args...); err != nil {
		return fmt.Errorf("start the bootstrap: %w", err)
	}
	return a.update(func(s *state) error { s.Started = true; return nil })
}

func (a *Agent) prepare(s state) (*ignite.Plan, error) {
	raw, err := os.ReadFile(filepath.Join(a.Dir, agent.BootstrapIgnition))
	if err != nil {
		return nil, fmt.Errorf("config of the bootstrap: %w", err)
	}
	o := ignite.Options{Root: a.Root, Run: a.Hardware.Run, Keep: keep}
	if a.Config.InPlace {
		if s.Disk.Path == "" {
			return nil, errors.New("no disk was chosen")
		}
		disk := s.Disk.Path
		if s.Disk.ByPath != "" {
			disk = s.Disk.ByPath // the same disk after another boot, too
		}
		o.Replace = map[string][]byte{installTo: []byte(disk + "\n")}
	}
	return ignite.Prepare(raw, o)
}

// bare reports whether this is a CoreOS without the programs of a node, as the generator of
// the bootstrap does (data/bootstrap/files/etc/systemd/system-generators).
func (a *Agent) bare() bool {
	if _, err := os.Stat(filepath.Join(a.Root, "run/ostree-booted")); err != nil {
		return false
	}
	for _, program := range []string{"usr/bin/oc", "usr/bin/kubelet"} {
		info, err := os.Stat(filepath.Join(a.Root, program))
		if err != nil || info.Mode()&0o111 == 0 {
			return true
		}
	}
	return false
}
