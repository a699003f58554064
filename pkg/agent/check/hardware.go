package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
)

func cpus(_ context.Context, in *Input, _ *World) agent.Check {
	need, role := in.need()
	if n := in.Inventory.CPUs; n < need.CPUs {
		return fail("use a host with more CPUs, or give this one another role", "%d CPUs; %s needs at least %d",
			n, role, need.CPUs)
	}
	return pass("%d CPUs; %s needs at least %d", in.Inventory.CPUs, role, need.CPUs)
}

// reserved is the share of the memory, in percent, that firmware and kernel may keep for
// themselves on a host that does not say how much is installed.
const reserved = 5

func memory(_ context.Context, in *Input, _ *World) agent.Check {
	need, role := in.need()
	is := float64(in.Inventory.MemoryMiB) / 1024
	if in.Inventory.MemoryMiB*100 < need.MemoryGiB*1024*(100-reserved) {
		return fail("use a host with more memory, or give this one another role",
			"%.1f GiB of memory; %s needs at least %d GiB",
			is, role, need.MemoryGiB)
	}
	return pass("%.1f GiB of memory; %s needs at least %d GiB", is, role, need.MemoryGiB)
}

// choose is the disk that would be written.
func (in *Input) choose() (agent.Disk, error) {
	need, _ := in.need()
	if in.Host == nil {
		return disk.Choose(nil, in.Inventory.Disks, need.DiskBytes)
	}
	return disk.Choose(in.Host.Hints, in.Inventory.Disks, need.DiskBytes)
}

// Choose returns the disk to install the host to.
func Choose(in Input) (agent.Disk, error) { return in.choose() }

func chosenDisk(_ context.Context, in *Input, _ *World) agent.Check {
	d, err := in.choose()
	var choice *disk.ChoiceError
	switch {
	case err == nil:
		return pass("%s", disk.Describe(d))
	case errors.As(err, &choice) && choice.Matches > 1:
		return fail("give rootDeviceHints of this host in "+in.Config.HostsFile()+" that only one disk has, such as "+
			"serialNumber or wwn, and make the image again", "%v", err)
	case errors.As(err, &choice) && choice.Hints:
		return fail("correct rootDeviceHints of this host in "+in.Config.HostsFile()+
			" and make the image again, or add the disk", "%v", err)
	}
	return fail("add a disk of at least 100 GB", "%v", err)
}

// diskKey is the disk whose speed is measured, and how fast it has to be.
func diskKey(in *Input) string {
	d, err := in.choose()
	if err != nil {
		return ""
	}
	need, _ := in.need()
	return fmt.Sprintf("%s %s %v", d.Path, d.Serial, need.Sync)
}

// diskSpeed reads from the disk, because its content is not ours before the installation
// begins: what etcd needs is that synchronous writes are fast, and only a write could prove
// that. A disk whose reads are too slow is too slow for them as well, but the opposite does
// not hold, and controllers with a cache differ; so slowness only warns. A disk that answers with
// errors is dead, whatever the host is to become.
func diskSpeed(ctx context.Context, in *Input, w *World) agent.Check {
	d, err := in.choose()
	if err != nil {
		return pending("see check "+Disk, "no disk is chosen yet")
	}
	need, _ := in.need()
	const next = "use a solid-state disk for the control plane; etcd loses its leader when its disk is slow"
	latency, err := w.ReadLatency(ctx, d.Path)
	switch {
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENXIO):
		return fail("replace the disk, or choose another one with rootDeviceHints in agent-config.yaml and make the "+
			"image again", "%s cannot be read: %v", disk.Describe(d), err)
	case err != nil:
		return warn("see whether the disk works", "the speed of %s could not be measured: %v", d.Path, err)
	case need.Sync == 0: // there is no etcd
		return pass("%s can be read", d.Path)
	}
	latency = latency.Round(10 * time.Microsecond)
	if latency > need.Sync {
		return warn(next, "99 of 100 reads from %s take up to %v; etcd needs a disk that syncs within %v",
			d.Path, latency, need.Sync)
	}
	return pass("99 of 100 reads from %s take up to %v, less than %v; nothing was written", d.Path, latency, need.Sync)
}

func media(ctx context.Context, _ *Input, w *World) agent.Check {
	name, err := w.ReadMedium(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return pass("the live system runs from memory")
	case err != nil:
		return fail("insert the medium again, or make it anew and boot from it: the system to install is on it",
			"the medium that the live system was started from cannot be read: %v", err)
	}
	return pass("%s can be read", name)
}
