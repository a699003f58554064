package ovirt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/host"
	base "github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// joining are machines of a cluster whose masters are elsewhere.
func (l *lab) joining(names ...string) base.Joining {
	j := base.Joining{InfraID: infraID}
	for i, name := range names {
		j.Machines = append(j.Machines, base.JoiningMachine{Host: agent.NodeHost{
			Hostname: name, Role: "worker",
			Interfaces: []agent.Interface{{Name: "ens4", MACAddress: fmt.Sprintf("52:54:00:00:01:%02x", i)}},
			OVirt:      &agent.VM{ClusterID: l.cluster, StorageDomainID: l.domain, OSDisk: &agent.VMDisk{SizeGB: 2}},
		}})
	}
	return j
}

// medium is an ISO image, as far as the engine can tell.
func medium(t *testing.T, text string) plan.Image {
	t.Helper()
	data := make([]byte, 3<<20+2048)
	copy(data[32769:], "CD001"+text)
	path := filepath.Join(t.TempDir(), "node.iso")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return plan.Image{Path: path}
}

func (l *lab) joiner(j base.Joining, edits ...func(*ovirt.Deps)) *ovirt.Joiner {
	l.t.Helper()
	return ovirt.Joiners(j)(l.joinerDeps(edits...))
}

func (l *lab) joinerDeps(edits ...func(*ovirt.Deps)) ovirt.Deps {
	l.t.Helper()
	_, port, _ := net.SplitHostPort(l.images.Listener.Addr().String())
	d := ovirt.Deps{Engine: l.client(), HostImagePort: port, ProxyImagePort: port, Poll: 2 * time.Millisecond,
		Limit: 20 * time.Second, DestroyLimit: 3 * time.Second}
	for _, edit := range edits {
		edit(&d)
	}
	return d
}

func (l *lab) joinPlan(j base.Joining, image plan.Image) plan.Plan {
	l.t.Helper()
	p, err := ovirt.JoinPlan(j, image)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

func (l *lab) vm(name string) *model.VM {
	for _, vm := range l.engine.Inventory().VMs {
		if vm.Name == name {
			return vm
		}
	}
	return nil
}

// isos are the ISO images on the engine.
func (l *lab) isos() (out []*model.Disk) {
	for _, d := range l.engine.Inventory().Disks {
		if d.Holds == model.ContentISO {
			out = append(out, d)
		}
	}
	return out
}

func TestJoin(t *testing.T) {
	l := newLab(t, 3)
	empty := l.picture()
	j := l.joining("vm-0", "vm-1")
	image := medium(t, "one")
	pl, joiner := l.joinPlan(j, image), ovirt.Joiners(j)
	p := joiner(l.joinerDeps())
	if m, err := p.Look(t.Context(), pl, "vm-0"); err != nil || m.ID != "" {
		t.Fatalf("before anything is made: %+v %v", m, err)
	}
	errs := make(chan error, 2)
	for _, name := range []string{"vm-0", "vm-1"} {
		p := joiner(l.joinerDeps()) // each with a sink of its own
		go func() { errs <- p.Boot(t.Context(), pl, name, false) }()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	isos := l.isos()
	if len(isos) != 1 {
		t.Fatalf("%d ISO images are on the engine, want 1 for both", len(isos))
	}
	want, err := os.ReadFile(image.Path)
	if got, _ := l.volumes.Content(isos[0].ID); err != nil || string(got) != string(want) {
		t.Errorf("the ISO image has %d bytes, or others than the file's %d", len(got), len(want))
	}
	for i, name := range []string{"demo-x7k2p-vm-0", "demo-x7k2p-vm-1"} {
		hw := l.started(name)
		if hw == nil {
			t.Fatalf("%s was not started", name)
		}
		if hw.Media == nil || hw.Media.Disk != isos[0].ID || !slices.Equal(hw.Host.Order, []host.Source{"disk", "media"}) ||
			hw.UserData != nil || hw.NICs[0].MAC != fmt.Sprintf("52:54:00:00:01:%02x", i) ||
			len(hw.Disks) != 1 || hw.Host.Disks[0].Size != 2<<30 || hw.CPUs != 4 || hw.MemoryMB != 16348 {
			t.Errorf("%s was started as %+v %+v", name, hw, hw.Host)
		}
	}
	m, err := p.Look(t.Context(), pl, "vm-0")
	if err != nil || m.ID != l.vm("demo-x7k2p-vm-0").ID || !m.Runs || m.Role != "worker" {
		t.Errorf("look: %+v %v", m, err)
	}
	if r, err := p.Recorded(t.Context(), infraID); err != nil || r.Progress != base.HandedOver {
		t.Errorf("the engine remembers %+v %v", r, err)
	}

	// The image stays until nobody needs it.
	if err := p.Release(t.Context(), pl, "vm-0"); err != nil {
		t.Fatal(err)
	}
	if vm := l.vm("demo-x7k2p-vm-0"); vm.CD != "" || vm.CurrentCD != "" || vm.Status != "up" {
		t.Errorf("after release: %+v", vm)
	}
	if len(l.isos()) != 1 || l.vm("demo-x7k2p-vm-1").CurrentCD == "" {
		t.Error("the other machine has lost its medium")
	}
	for range 2 {
		if err := p.Release(t.Context(), pl, "vm-1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.isos()); n != 0 {
		t.Errorf("%d ISO images are left", n)
	}

	for i := range j.Machines {
		j.Machines[i].UUID = strings.ToUpper(l.vm("demo-x7k2p-vm-" + fmt.Sprint(i)).ID)
	}
	p = l.joiner(j)
	for _, name := range []string{"vm-0", "vm-1"} {
		if known, err := p.Remove(t.Context(), infraID, name); err != nil || !known {
			t.Fatalf("remove %s: %v %v", name, known, err)
		}
	}
	settle(t, l, empty)
	if known, err := p.Remove(t.Context(), infraID, "vm-1"); err != nil || known {
		t.Errorf("remove again: %v %v", known, err)
	}
}

// bootAndRelease is what happens to machines that join. Those that run without a medium have come so far already.
func (l *lab) bootAndRelease(ctx context.Context, j base.Joining, pl plan.Plan, names ...string) error {
	p := l.joiner(j)
	for _, do := range []func(name string) error{
		func(name string) error {
			if vm := l.vm(ovirt.JoinedName(infraID, name)); vm != nil && vm.Status == "up" && vm.CurrentCD == "" {
				return nil
			}
			return p.Boot(ctx, pl, name, false)
		},
		func(name string) error { return p.Release(ctx, pl, name) },
	} {
		for _, name := range names {
			if err := do(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestJoinKilledAnywhere kills the installer at every request that changes something.
func TestJoinKilledAnywhere(t *testing.T) {
	l := newLab(t, 3)
	empty := l.picture()
	j := l.joining("vm-0", "vm-1")
	pl := l.joinPlan(j, medium(t, "one"))
	destroy := func() {
		t.Helper()
		if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil || len(left) > 0 {
			t.Fatalf("destroy: %v %v", left, err)
		}
		settle(t, l, empty)
	}
	l.cut.arm(0, false, false, nil)
	if err := l.bootAndRelease(t.Context(), j, pl, "vm-0", "vm-1"); err != nil {
		t.Fatal(err)
	}
	want, total := l.picture(), len(changes(l))
	t.Logf("%d changing requests", total)
	destroy()
	step := 1
	if testing.Short() {
		step = 5
	}
	for n := 1; n <= total; n += step {
		for _, lost := range []bool{false, true} {
			ctx, kill := context.WithCancel(t.Context())
			onCut := kill
			if lost {
				onCut = nil
			}
			l.cut.arm(n, false, lost, onCut)
			err := l.bootAndRelease(ctx, j, pl, "vm-0", "vm-1")
			kill()
			at := "nothing"
			if c := changes(l); len(c) >= n {
				at = c[n-1]
			}
			l.cut.disarm()
			if lost != (err == nil) && n < total {
				t.Errorf("cut %d at %s, answer lost %v: %v", n, at, lost, err)
			}
			if n%2 == 0 {
				destroy()
				continue
			}
			if err := l.bootAndRelease(t.Context(), j, pl, "vm-0", "vm-1"); err != nil {
				t.Fatalf("cut %d at %s: the next run: %v", n, at, err)
			}
			settle(t, l, want)
			destroy()
		}
	}
}

// TestJoinAgain starts machines again: in front of a disk that may have half a system, and never one that is in use.
func TestJoinAgain(t *testing.T) {
	l := newLab(t, 3)
	j := l.joining("vm-0")
	pl := l.joinPlan(j, medium(t, "one"))
	if err := l.joiner(j).Boot(t.Context(), pl, "vm-0", false); err != nil {
		t.Fatal(err)
	}
	fromMedium := func(what string) {
		t.Helper()
		hw := l.started("demo-x7k2p-vm-0")
		if hw.Media == nil || !slices.Equal(hw.Host.Order, []host.Source{"media", "disk"}) {
			t.Errorf("%s: started with medium %v in order %v", what, hw.Media, hw.Host.Order)
		}
	}
	// With its medium in it, and from another image.
	pl = l.joinPlan(j, medium(t, "two"))
	if err := l.joiner(j).Boot(t.Context(), pl, "vm-0", false); err != nil {
		t.Fatal(err)
	}
	fromMedium("again")
	if n := len(l.isos()); n != 2 {
		t.Errorf("%d images, want the old one and the new one", n)
	}
	if err := l.joiner(j).Release(t.Context(), pl, "vm-0"); err != nil {
		t.Fatal(err)
	}
	if n := len(l.isos()); n != 0 {
		t.Errorf("%d images are left", n)
	}
	runs := l.vm("demo-x7k2p-vm-0").Run
	l.cut.arm(0, false, false, nil)
	err := l.joiner(j).Boot(t.Context(), pl, "vm-0", false)
	if got := changes(l); len(got) > 0 {
		t.Errorf("before it was refused the start has changed %v", got)
	}
	if exit.Code(err) != exit.Unproved || !strings.Contains(exit.Next(err), "--take-running-hosts") ||
		!strings.Contains(err.Error(), "demo-x7k2p-vm-0 is up without the cluster's medium") {
		t.Errorf("a machine that runs: %v; next: %s", err, exit.Next(err))
	}
	if vm := l.vm("demo-x7k2p-vm-0"); vm.Run != runs || vm.Status != "up" {
		t.Errorf("it should run on: %s, %d starts", vm.Status, vm.Run)
	}
	if err := l.joiner(j).Boot(t.Context(), pl, "vm-0", true); err != nil {
		t.Fatal(err)
	}
	fromMedium("absent")
	if err := l.joiner(j).Release(t.Context(), pl, "vm-0"); err != nil {
		t.Fatal(err)
	}
	take := func(d *ovirt.Deps) { d.TakeRunning = true }
	if err := l.joiner(j, take).Boot(t.Context(), pl, "vm-0", false); err != nil {
		t.Fatal(err)
	}
	fromMedium("taken")
}

// TestJoinClose leaves no image behind that nobody boots from, although not all machines were made.
func TestJoinClose(t *testing.T) {
	l := newLab(t, 3)
	j := l.joining("vm-0", "vm-1")
	pl := l.joinPlan(j, medium(t, "one"))
	p := l.joiner(j)
	if err := p.Boot(t.Context(), pl, "vm-0", false); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(t.Context()), l.joiner(j).Close(t.Context())); err != nil || len(l.isos()) != 1 {
		t.Fatalf("%d images, %v; want the one that is in use", len(l.isos()), err)
	}
	if err := p.Release(t.Context(), pl, "vm-0"); err != nil || len(l.isos()) != 1 {
		t.Fatalf("%d images, %v; want the one that the other machine needs", len(l.isos()), err)
	}
	if err := p.Close(t.Context()); err != nil || len(l.isos()) != 0 {
		t.Errorf("%d images, %v; want none", len(l.isos()), err)
	}
}

// TestJoinForeign leaves alone what others have, and workers that the cluster has already.
func TestJoinForeign(t *testing.T) {
	l := newLab(t, 3)
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	l.someVM("demo-x7k2p-vm-0", "mine")
	j := l.joining("vm-0", "worker-0")
	pl := l.joinPlan(j, medium(t, "one"))
	before := l.vm("demo-x7k2p-worker-0").Run
	for _, name := range []string{"vm-0", "worker-0"} {
		p := l.joiner(j)
		if err := p.Boot(t.Context(), pl, name, true); err == nil || !strings.Contains(err.Error(), "name is taken") {
			t.Errorf("boot %s: %v", name, err)
		}
		if m, err := p.Look(t.Context(), pl, name); err == nil {
			t.Errorf("look %s: %+v", name, m)
		}
		if err := p.Release(t.Context(), pl, name); err != nil {
			t.Errorf("release %s: %v", name, err)
		}
	}
	if vm := l.vm("demo-x7k2p-worker-0"); vm.Run != before || vm.CD != "" || vm.Status != "up" {
		t.Errorf("the worker was touched: %+v", vm)
	}

	// Removal wants the tag of the cluster, and no master.
	other := l.someVM("somebody", "mine")
	for _, tt := range []struct{ uuid, want string }{
		{other.ID, "does not carry the tag"}, {l.vm("demo-x7k2p-master-0").ID, "none of the cluster's workers"},
		{l.vm("demo-x7k2p-vm-0").ID, "does not carry the tag"},
	} {
		j.Machines[0].UUID = tt.uuid
		known, err := l.joiner(j).Remove(t.Context(), infraID, "vm-0")
		if !known || exit.Code(err) != exit.Unproved || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("remove %s: %v %v", tt.uuid, known, err)
		}
	}
	for _, name := range []string{"somebody", "demo-x7k2p-master-0", "demo-x7k2p-vm-0"} {
		if l.vm(name) == nil {
			t.Errorf("%s is gone", name)
		}
	}
	j.Machines[0].UUID = ""
	if known, err := l.joiner(j).Remove(t.Context(), infraID, "vm-0"); known || err != nil {
		t.Errorf("without a UUID: %v %v", known, err)
	}

	// A worker of the first day goes like others, and the rest of the cluster stays.
	j.Machines[0].UUID = l.vm("demo-x7k2p-worker-0").ID
	if known, err := l.joiner(j).Remove(t.Context(), infraID, "vm-0"); !known || err != nil {
		t.Errorf("a worker: %v %v", known, err)
	}
	if l.vm("demo-x7k2p-worker-0") != nil || l.vm("demo-x7k2p-master-0") == nil {
		t.Error("the wrong machine is gone")
	}
	if tag, err := l.client().FindTag(t.Context(), infraID); err != nil || tag == nil {
		t.Errorf("the cluster's tag is gone: %v", err)
	}
}

// TestJoinTheCluster adds a machine to a cluster on the same engine: the cluster's plan does not know it, and its
// destroy removes it.
func TestJoinTheCluster(t *testing.T) {
	l := newLab(t, 3)
	empty := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	j := l.joining("vm-0")
	j.Config = l.installConfig(1, 1)
	pl := l.joinPlan(j, medium(t, "one"))
	if err := l.joiner(j).Boot(t.Context(), pl, "vm-0", false); err != nil {
		t.Fatal(err)
	}
	if d, err := l.provider().Diff(t.Context(), l.plan(1, 1)); err != nil || !d.Empty() {
		t.Errorf("the cluster's plan: %+v %v", d, err)
	}
	if left, err := l.provider().Destroy(t.Context(), infraID, plan.StageBootstrap); err != nil || len(left) > 0 {
		t.Fatalf("destroy bootstrap: %v %v", left, err)
	}
	if l.vm("demo-x7k2p-vm-0") == nil || len(l.isos()) != 1 {
		t.Error("the machine or its medium went with the bootstrap host")
	}
	if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, empty)
}

// TestEjectForeignMedium takes out no medium of somebody else.
func TestEjectForeignMedium(t *testing.T) {
	l := newLab(t, 3)
	j := l.joining("vm-0")
	pl := l.joinPlan(j, medium(t, "one"))
	if err := l.joiner(j).Boot(t.Context(), pl, "vm-0", false); err != nil {
		t.Fatal(err)
	}
	c := l.client()
	disk, err := c.CreateDisk(t.Context(), api.DiskSpec{Alias: "tools.iso", StorageDomainID: l.domain, Format: "raw",
		Sparse: true, ISO: true, Bytes: 1 << 20})
	if err == nil {
		disk, err = c.WaitDisk(t.Context(), disk.ID, time.Minute)
	}
	vm, _ := c.FindVM(t.Context(), "demo-x7k2p-vm-0")
	if err == nil {
		err = c.Insert(t.Context(), *vm, disk.ID)
	}
	if err != nil || !disk.ISO {
		t.Fatal(disk, err)
	}
	if err := l.joiner(j).Release(t.Context(), pl, "vm-0"); err != nil {
		t.Fatal(err)
	}
	drive, err := c.GetDrive(t.Context(), *vm)
	if err != nil || drive.Now != "" || drive.Next != disk.ID {
		t.Errorf("after release the drive has %+v, %v; want the other medium at the next start", drive, err)
	}
	if isos := l.isos(); len(isos) != 1 || isos[0].Alias != "tools.iso" {
		t.Errorf("ISO images: %v", isos)
	}
}

func TestJoinPlan(t *testing.T) {
	l := newLab(t, 1)
	j := l.joining("vm-0", "vm-1")
	j.Machines[1].Host.OVirt.StorageDomainID = "1e3a4f0c-0d5a-4f8e-8a9f-0a1b2c3d4e5f"
	pl := l.joinPlan(j, plan.Image{})
	if n := len(pl.Of(plan.KindMedium)); n != 2 {
		t.Errorf("%d media, want one for each storage domain", n)
	}
	// Sizes are those of the cluster's workers, unless the host says more.
	j = l.joining("vm-0")
	j.Config = l.installConfig(1, 1)
	j.Machines[0].Host.OVirt = &agent.VM{}
	spec := func() plan.VM {
		o := l.joinPlan(j, plan.Image{}).Of(plan.KindVM)[0]
		vm, _ := o.Spec.(plan.VM)
		return vm
	}
	if vm := spec(); vm.ClusterID != l.cluster || vm.StorageDomainID != l.domain || vm.DiskGiB != 120 ||
		vm.CPU != (plan.CPU{Sockets: 1, Cores: 4, Threads: 1}) || vm.MemoryMiB != 16348 || vm.Type != "server" ||
		vm.Network != "ovirtmgmt" || vm.Ignition.Bytes() != nil {
		t.Errorf("like the workers: %+v", vm)
	}
	j.Machines[0].Host.OVirt = &agent.VM{CPU: &agent.VMCPU{Cores: 2}, MemoryMB: 9000, NetworkName: "blue"}
	if vm := spec(); vm.CPU != (plan.CPU{Sockets: 1, Cores: 2, Threads: 1}) || vm.MemoryMiB != 9000 ||
		vm.Network != "blue" || vm.VNICProfileID != "" {
		t.Errorf("its own: %+v", vm)
	}
	for _, tt := range []struct {
		name, want string
		edit       func(*base.Joining)
	}{
		{"no cluster", "ovirt.ovirt_cluster_id is not set", func(j *base.Joining) {
			j.Config, j.Machines[0].Host.OVirt = nil, &agent.VM{}
		}},
		{"a long name", "names of 64 characters", func(j *base.Joining) {
			j.Machines[0].Host.Hostname = strings.Repeat("a", 60)
		}},
		{"no ID", "not an infrastructure ID", func(j *base.Joining) { j.InfraID = "demo" }},
		{"twice", "appears twice", func(j *base.Joining) { j.Machines = append(j.Machines, j.Machines[0]) }},
	} {
		j := l.joining("vm-0")
		tt.edit(&j)
		if _, err := ovirt.JoinPlan(j, plan.Image{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	nothing := base.Joining{InfraID: infraID, Machines: []base.JoiningMachine{{}}}
	if _, err := ovirt.JoinPlan(nothing, plan.Image{}); err == nil ||
		!strings.Contains(exit.Next(err), "nodes-config.yaml") {
		t.Errorf("next step: %v", exit.Next(err))
	}
}
