package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/ignition"
)

// nextLife is the file with the Ignition config of the host's next life, below StateDir.
const nextLife = "next.ign"

// configs are the files of the roles.
var configs = map[string]string{
	"master": agent.MasterIgnition, "arbiter": agent.ArbiterIgnition, "worker": agent.WorkerIgnition,
}

// write writes the disk, with as many tries as the writer makes. A restarted agent writes
// again from the beginning.
func (a *Agent) write(ctx context.Context) {
	err := a.writeDisk(ctx)
	a.mu.Lock()
	a.writing = false
	a.mu.Unlock()
	if ctx.Err() != nil {
		return // killed; the next agent goes on
	}
	saved := a.update(func(s *state) error {
		if err == nil {
			s.Stage = agent.Written
			return nil
		}
		s.Stage = agent.Failed
		s.Problem = &agent.Problem{
			Message: err.Error(),
			Next: "see to the disk or choose another one with rootDeviceHints; then restart okd-agent.service " +
				"on this host, or boot it again",
		}
		return nil
	})
	switch {
	case saved != nil:
		a.Log.Error("after the disk was written", "error", saved)
	case err != nil:
		a.Log.Error("write the disk", "error", err)
		a.say(0, "")
	default:
		a.Log.Info("the disk is written")
		a.say(0, "waits for the order to reboot")
	}
	a.again()
}

func (a *Agent) writeDisk(ctx context.Context) error {
	a.mu.Lock()
	s, inv := a.state, a.inventory
	a.mu.Unlock()
	name, known := configs[s.Role]
	if !known {
		return fmt.Errorf("no Ignition config for role %q", s.Role)
	}
	path := filepath.Join(a.Dir, name)
	if a.Config.InPlace {
		path = filepath.Join(a.Root, inPlaceConfig)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the Ignition config of role %s: %w", s.Role, err)
	}
	if raw, err = ignition.WithHostname(raw, s.Hostname); err != nil {
		return err
	}
	next := filepath.Join(a.StateDir, nextLife)
	if err := atomicfile.Write(next, raw, 0o600); err != nil {
		return fmt.Errorf("write the Ignition config of this host: %w", err)
	}
	a.say(0, "begins")
	return a.Hardware.Write(ctx, Writing{
		Disk: s.Disk, Ignition: next, Inventory: inv,
		Progress: func(percent int, line string) { a.say(min(max(percent, 0), 100), line) },
	})
}

// logTries is how often the logs are sent before the host reboots without them.
const logTries = 3

// leave sends the logs, and then makes the host reboot if it may: in two steps, because the
// service has to hear of it.
func (a *Agent) leave(ctx context.Context, reboot bool) error {
	a.mu.Lock()
	sent := a.state.Logs
	a.mu.Unlock()
	if !sent {
		a.say(0, "sends its logs")
		a.mark(ctx)
		a.sendLogs(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.say(0, "waits for the order to reboot")
		a.again() // somebody may have waited for the logs
		return a.update(func(s *state) error {
			s.Logs = true
			return nil
		})
	}
	if !reboot {
		return nil
	}
	a.say(0, "")
	a.again()
	return a.update(func(s *state) error {
		s.Stage = agent.Rebooting
		return nil
	})
}

func (a *Agent) sendLogs(ctx context.Context) {
	archive, err := a.logs(ctx)
	for try := 0; err == nil && try < logTries; try++ {
		a.mu.Lock()
		id := a.inventory.ID
		a.mu.Unlock()
		if err = a.Service.SendLogs(ctx, id, archive); err == nil {
			return
		}
		if a.Clock.Sleep(ctx, time.Second) != nil {
			return
		}
	}
	a.Log.Warn("the logs of this host are not kept", "error", err)
}
