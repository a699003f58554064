package ovirt

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Joiner makes machines that join a cluster which runs on any platform, and removes them.
type Joiner struct {
	*Provider
	joining machines.Joining
}

var _ machines.Joiner = (*Joiner)(nil)

// Joiners makes joiners of the same machines, which may work at the same time.
func Joiners(j machines.Joining) func(Deps) *Joiner {
	shared := &media{}
	return func(d Deps) *Joiner {
		p := New(d)
		p.media = shared
		return &Joiner{p, j}
	}
}

// Close implements machines.Booter. It removes ISO images that no machine needs, also after a failure: they have
// secrets.
func (j *Joiner) Close(ctx context.Context) error {
	j.media.mu.Lock()
	used := j.media.used
	j.media.mu.Unlock()
	if !used {
		return nil
	}
	return j.sweep(ctx, j.joining.InfraID)
}

// Look implements machines.Joiner.
func (j *Joiner) Look(ctx context.Context, pl plan.Plan, name string) (machines.Machine, error) {
	o, _, err := selfInstalling(pl, name)
	if err != nil {
		return machines.Machine{}, err
	}
	vm, err := j.Engine.FindVM(ctx, o.Name)
	if err != nil || vm == nil {
		return machines.Machine{}, err
	}
	if !joined(pl.InfraID, *vm) {
		return machines.Machine{}, taken("virtual machine", o.Name, vm.ID)
	}
	return machineOf(pl.InfraID, *vm), nil
}

// Remove implements machines.Joiner. It finds the machine by the UUID of its node, and removes it if it has the tag of
// the cluster.
func (j *Joiner) Remove(ctx context.Context, infraID, name string) (bool, error) {
	if err := checkInfraID(infraID); err != nil {
		return false, err
	}
	i := slices.IndexFunc(j.joining.Machines, func(m machines.JoiningMachine) bool { return m.Host.Hostname == name })
	if i < 0 || j.joining.Machines[i].UUID == "" {
		return false, nil // the engine knows machines by that alone
	}
	vm, err := j.Engine.GetVM(ctx, strings.ToLower(j.joining.Machines[i].UUID))
	if api.Is(err, api.NotFound) {
		return false, j.tidy(ctx, infraID)
	}
	if err != nil {
		return false, err
	}
	if err := j.removable(ctx, infraID, vm); err != nil {
		return true, fmt.Errorf("remove the machine of node %s: %w", name, err)
	}
	if _, err := j.removeVM(ctx, infraID, vm, j.DestroyLimit); err != nil {
		return true, err
	}
	return true, j.tidy(ctx, infraID)
}

// removable reports, as an error, that a machine is not proved to be one of the cluster's that may go.
func (p *Provider) removable(ctx context.Context, infraID string, vm api.VM) error {
	tag, _, err := p.clusterTag(ctx, infraID, infraID)
	if err != nil {
		return err
	}
	tags, err := p.Engine.VMTags(ctx, vm.ID)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("virtual machine %s (%s)", vm.Name, vm.ID)
	const next = "remove it in the engine if it is of no use any more"
	switch {
	case tag == nil || !slices.Contains(tags, infraID) || !fits(infraID, vm.Name):
		return exit.With(exit.Unproved, next, fmt.Errorf("%s does not carry the tag and the name of cluster %s", what,
			infraID))
	case roleOf(infraID, vm) != types.WorkerPool && !joined(infraID, vm):
		return exit.With(exit.Unproved, next, fmt.Errorf("%s is none of the cluster's workers", what))
	}
	return nil
}

// tidy removes what only served machines that are gone: ISO images, and the tag of a cluster of which nothing else is
// here.
func (j *Joiner) tidy(ctx context.Context, infraID string) error {
	if err := j.sweep(ctx, infraID); err != nil {
		return err
	}
	found, err := j.look(ctx, infraID, true)
	if err != nil || len(found.vms)+len(found.disks)+len(found.groups)+len(found.odd) > 0 || found.template != nil {
		return err
	}
	for _, tag := range found.tags {
		remove := func(ctx context.Context) error { return j.Engine.DeleteTag(ctx, tag) }
		if err := j.repeat(ctx, j.Limit, remove); err != nil {
			return err
		}
	}
	return nil
}

// Sizes of machines of which nobody says more; they are those of workers.
const (
	joinedCores   = 4
	joinedMiB     = 16348
	joinedDiskGiB = 120
)

// JoinPlan describes the machines, and the media that they are started from: one on each storage domain. It is pure.
func JoinPlan(j machines.Joining, image plan.Image) (plan.Plan, error) {
	if err := checkInfraID(j.InfraID); err != nil {
		return plan.Plan{}, fmt.Errorf("plan virtual machines: %w", err)
	}
	p := plan.Plan{Platform: config.Name, InfraID: j.InfraID}
	// The cluster runs, whatever platform it was made on.
	record := machines.Record{InfraID: j.InfraID, Progress: machines.HandedOver}
	if j.Config != nil {
		record.Domain, record.APIVIPs = j.Config.ClusterDomain(), j.Config.APIVIPs()
	}
	tag := plan.Object{Kind: plan.KindTag, Name: j.InfraID, Stage: plan.StageImage,
		Spec: plan.Tag{Description: describeRecord(record)}}
	tag.Key = plan.KeyOf(tag.Kind, tag.Name)
	p.Objects = append(p.Objects, tag)
	var vms []plan.Object
	for _, m := range j.Machines {
		vm, err := joiningVM(j.Config, m.Host)
		if err != nil {
			return plan.Plan{}, fmt.Errorf("plan virtual machines: host %s: %w", m.Host.Hostname, err)
		}
		name := JoinedName(j.InfraID, m.Host.Hostname)
		if len(name) > maxVMName {
			return plan.Plan{}, exit.New("use a shorter hostname", "plan virtual machines: host %s: the machine would be "+
				"called %s, and the engine takes names of %d characters", m.Host.Hostname, name, maxVMName)
		}
		vm.Medium = addMedium(&p, image, vm.StorageDomainID, tag.Key)
		vms = append(vms, plan.Object{Key: plan.KeyOf(plan.KindVM, name), Kind: plan.KindVM, Name: name,
			Stage: plan.StageInfrastructure, Tags: []string{j.InfraID}, Needs: []plan.Key{tag.Key, vm.Medium}, Spec: vm})
	}
	p.Objects = append(p.Objects, vms...)
	return p, p.Validate()
}

// maxVMName is the longest name of a machine, the engine's MaxVmNameLength.
const maxVMName = 64

// addMedium returns the medium on a storage domain, which is added unless it is there.
func addMedium(p *plan.Plan, image plan.Image, domain string, needs plan.Key) plan.Key {
	name := p.InfraID + "-" + domain + ".iso"
	key := plan.KeyOf(plan.KindMedium, name)
	if _, there := p.Get(key); !there {
		p.Objects = append(p.Objects, plan.Object{Key: key, Kind: plan.KindMedium, Name: name, Stage: plan.StageImage,
			Needs: []plan.Key{needs}, Spec: plan.Medium{Image: image, From: "the engine", StorageDomainID: domain}})
	}
	return key
}

// joiningVM is the machine of a host: as nodes-config.yaml says, else as the workers of the cluster, if they are here.
func joiningVM(cfg *types.InstallConfig, h agent.NodeHost) (plan.VM, error) {
	var platform config.Platform
	var pool config.MachinePool
	if cfg != nil {
		if of := config.Of(cfg); of != nil {
			platform = *of
			for _, c := range cfg.Compute {
				if own := config.PoolOf(&c); own != nil {
					pool = *own
					break
				}
			}
		}
	}
	own := h.OVirt
	if own == nil {
		own = &agent.VM{}
	}
	vm := plan.VM{
		Role: cmp.Or(h.Role, types.WorkerPool), Type: cmp.Or(pool.VMType, config.VMTypeServer), OSType: OSType,
		ClusterID:       cmp.Or(own.ClusterID, platform.ClusterID),
		StorageDomainID: cmp.Or(own.StorageDomainID, platform.StorageDomainID),
		Network:         cmp.Or(own.NetworkName, platform.NetworkName, defaultNetwork),
		VNICProfileID:   own.VNICProfileID,
		MAC:             strings.ToLower(h.BootMAC()),
		CPU:             plan.CPU{Sockets: 1, Cores: joinedCores, Threads: 1},
		MemoryMiB:       int64(cmp.Or(own.MemoryMB, pool.MemoryMB, joinedMiB)), DiskGiB: joinedDiskGiB,
		HugepagesKiB: int(pool.Hugepages), AutoPinning: pool.AutoPinningPolicy == "resize_and_pin",
		Sparse: pool.Sparse, Format: pool.Format, Start: true,
	}
	if own.NetworkName == "" && vm.VNICProfileID == "" {
		vm.VNICProfileID = platform.VNICProfileID
	}
	switch {
	case own.CPU != nil:
		vm.CPU = topology(own.CPU.Sockets, own.CPU.Cores, own.CPU.Threads)
	case pool.CPU != nil:
		vm.CPU = topology(pool.CPU.Sockets, pool.CPU.Cores, pool.CPU.Threads)
	}
	if own.CPU == nil && own.MemoryMB == 0 {
		vm.InstanceTypeID = pool.InstanceTypeID
	}
	switch {
	case own.OSDisk != nil:
		vm.DiskGiB = own.OSDisk.SizeGB
	case pool.OSDisk != nil:
		vm.DiskGiB = pool.OSDisk.SizeGB
	}
	for _, field := range []struct{ name, value string }{
		{"ovirt_cluster_id", vm.ClusterID}, {"ovirt_storage_domain_id", vm.StorageDomainID},
	} {
		if field.value == "" {
			return vm, exit.New("set hosts[].ovirt."+field.name+" in "+agent.NodesFile+
				", or put the cluster's install-config.yaml for oVirt into the directory", "ovirt.%s is not set", field.name)
		}
	}
	return vm, nil
}

func topology(sockets, cores, threads int32) plan.CPU {
	return plan.CPU{Sockets: int(max(sockets, 1)), Cores: int(cores), Threads: int(max(threads, 1))}
}

// defaultNetwork is the management network, which every data centre has.
const defaultNetwork = "ovirtmgmt"
