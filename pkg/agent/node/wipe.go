package node

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
	"github.com/okd-install/okd-install/pkg/agent/inventory"
)

// Wiping is what Wipe works with.
type Wiping struct {
	What   *agent.Wipe
	Runner disk.Runner
	Log    *slog.Logger
	// Inventory reads the hardware of this host.
	Inventory func(context.Context) (agent.Inventory, error)
}

// LiveInventory is the hardware of the host that this runs on.
func LiveInventory(ctx context.Context) (agent.Inventory, error) { return inventory.Read(ctx, "/") }

// Wipe erases the disk that an installation has written, and switches the host off. Whoever has started the host takes
// that for success, so that a host of which anything is in doubt stays on.
func Wipe(ctx context.Context, w Wiping) error {
	inv, err := w.Inventory(ctx)
	if err != nil {
		return fmt.Errorf("inventory of this host: %w", err)
	}
	host, err := w.What.Find(inv)
	if err != nil {
		return err
	}
	d, err := disk.Written(host, inv.Disks)
	if err != nil {
		return err
	}
	err = disk.Erase(ctx, disk.Erasure{
		Disk: d, Cluster: w.What.InfraID, Inventory: w.Inventory, Runner: w.Runner,
		Say: func(line string) { w.Log.Info(line, "host", host.Name) },
	})
	if err != nil {
		return fmt.Errorf("host %s: %w", host.Name, err)
	}
	w.Log.Info("switching off", "host", host.Name)
	return w.Runner.Run(ctx, nil, "systemctl", "poweroff")
}
