package ovirt_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	base "github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

func TestApplyThenDestroy(t *testing.T) {
	l := newLab(t, 3)
	before := l.picture()
	p, pl := l.provider(), l.plan(3, 2)
	if r, err := p.Preflight(t.Context(), pl); err != nil || r.Failed() {
		t.Fatalf("preflight: %v %v", err, r.Lines(false))
	}
	if err := applyAll(t.Context(), p, pl); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(`
disk demo-x7k2p-rhcos ok 1048576 bytes
disk demo-x7k2p-rhcos ok 1048576 bytes
disk demo-x7k2p-rhcos ok 107374182400 bytes
disk demo-x7k2p-rhcos ok 128849018880 bytes
disk demo-x7k2p-rhcos ok 128849018880 bytes
disk demo-x7k2p-rhcos ok 128849018880 bytes
disk demo-x7k2p-rhcos ok 128849018880 bytes
disk demo-x7k2p-rhcos ok 128849018880 bytes
group demo-x7k2p-compute [demo-x7k2p-worker-0 demo-x7k2p-worker-1]
group demo-x7k2p-controlplane [demo-x7k2p-master-0 demo-x7k2p-master-1 demo-x7k2p-master-2]
tag demo-x7k2p
tag demo-x7k2p-bootstrap
template Blank ok
template demo-x7k2p-rhcos ok
vm demo-x7k2p-bootstrap up nics=1 disks=1 tags=[demo-x7k2p-bootstrap] runs=true os=rhcos_x64 consoles=2
vm demo-x7k2p-master-0 up nics=1 disks=1 tags=[demo-x7k2p] runs=true os=rhcos_x64 consoles=0
vm demo-x7k2p-master-1 up nics=1 disks=1 tags=[demo-x7k2p] runs=true os=rhcos_x64 consoles=0
vm demo-x7k2p-master-2 up nics=1 disks=1 tags=[demo-x7k2p] runs=true os=rhcos_x64 consoles=0
vm demo-x7k2p-worker-0 up nics=1 disks=1 tags=[demo-x7k2p] runs=true os=rhcos_x64 consoles=2
vm demo-x7k2p-worker-1 up nics=1 disks=1 tags=[demo-x7k2p] runs=true os=rhcos_x64 consoles=2
vm tmpvm-for-demo-x7k2p-rhcos down nics=1 disks=1 tags=[demo-x7k2p-bootstrap] runs=false os=rhcos_x64 consoles=2`)
	settle(t, l, want)
	checkContent(t, l)

	// Again: no request for a change is made.
	diff, err := p.Diff(t.Context(), pl)
	if err != nil {
		t.Fatal(err)
	}
	if !diff.Empty() {
		var b bytes.Buffer
		_ = diff.Render(&b, plan.Text)
		t.Errorf("after apply the diff should be empty:\n%s", b.String())
	}
	l.cut.arm(0, false, false, nil)
	if err := applyAll(t.Context(), l.provider(), pl); err != nil {
		t.Fatal(err)
	}
	if got := changes(l); len(got) > 0 {
		t.Errorf("apply again should change nothing, but asked %v", got)
	}

	for _, vm := range l.engine.Inventory().VMs {
		l.machines.SetAddresses(vm.ID, netip.MustParseAddr("198.18.0.100"))
	}
	found, err := p.Machines(t.Context(), infraID)
	if err != nil || len(found) != 7 {
		t.Errorf("machines: %v %v", found, err)
	}
	for _, m := range found {
		if m.Role == "" || m.Role != "image" && (m.Status != "up" || len(m.Addresses) == 0) {
			t.Errorf("machine %+v is not described", m)
		}
	}

	// The bootstrap stage goes, the cluster stays, and a run after that neither
	// uploads the image again nor misses it.
	if left, err := p.Destroy(t.Context(), infraID, plan.StageBootstrap); err != nil || len(left) > 0 {
		t.Fatalf("destroy bootstrap: %v %v", left, err)
	}
	var kept []string
	for _, line := range strings.Split(want, "\n") {
		if !strings.Contains(line, "bootstrap") && !strings.Contains(line, "tmpvm") {
			kept = append(kept, line)
		}
	}
	// Without the disks of the temporary machine and the bootstrap host.
	settle(t, l, strings.Join(append(kept[:1:1], kept[3:]...), "\n"))
	l.cut.arm(0, false, false, nil)
	for _, s := range []plan.Stage{plan.StageImage, plan.StageInfrastructure} {
		if err := p.Apply(t.Context(), pl, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := changes(l); len(got) > 0 {
		t.Errorf("after bootstrap is gone, apply should change nothing, but asked %v", got)
	}

	// Destroy knows only the infraID.
	if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
	if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil || len(left) > 0 {
		t.Errorf("destroy again: %v %v", left, err)
	}
	if n := l.volumes.Count(); n != 0 {
		t.Errorf("%d volumes are left", n)
	}
}

// checkContent looks at what the machines were started with.
func checkContent(t *testing.T, l *lab) {
	t.Helper()
	for name, want := range ignitions(3, 2) {
		hw := l.started(name)
		if hw == nil {
			t.Errorf("%s was not started", name)
			continue
		}
		if !bytes.Contains(hw.UserData, bytes.TrimSpace(want)) {
			t.Errorf("%s got the user data %s, want %s", name, hw.UserData, want)
		}
		if hw.MemoryMB == 0 || hw.CPUs != 4 || len(hw.NICs) != 1 || len(hw.Disks) != 1 {
			t.Errorf("%s was started as %+v", name, *hw)
		}
		if strings.HasSuffix(name, "bootstrap") && hw.MemoryMB != 8192 {
			t.Errorf("bootstrap has %d MiB", hw.MemoryMB)
		}
		uploaded, _ := os.ReadFile(l.image.Path)
		if got, _ := l.volumes.Content(hw.Disks[0].ID); !bytes.Equal(got, uploaded) {
			t.Errorf("%s boots %d bytes that are not the image of %d bytes", name, len(got), len(uploaded))
		}
	}
}

func changes(l *lab) []string {
	l.cut.mu.Lock()
	defer l.cut.mu.Unlock()
	return l.cut.changes
}

// settle waits until the engine's tasks are done, then compares.
func settle(t *testing.T, l *lab, want string) {
	t.Helper()
	var got string
	for range 200 {
		if got = l.picture(); got == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("engine (-want +got):\n%s", cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
}

// TestKilledAnywhere cuts the wire at every request that changes something,
// once before and once after the engine carried it out, then runs again.
func TestKilledAnywhere(t *testing.T) {
	l := newLab(t, 3)
	empty := l.picture()
	l.cut.arm(0, false, false, nil)
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	want, total := l.picture(), len(changes(l))
	t.Logf("%d changing requests", total)
	destroy := func(l *lab, want string) {
		if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil {
			t.Fatalf("destroy: %v %v", left, err)
		}
		settle(t, l, want)
	}
	destroy(l, empty)

	step := 1
	if testing.Short() {
		step = 9
	}
	for n := 1; n <= total; n += step {
		for _, mode := range []struct {
			name         string
			undone, lost bool
		}{{"killed after", false, false}, {"answer lost", false, true}, {"request lost", true, true}} {
			name := fmt.Sprintf("%s %d", mode.name, n)
			if !t.Run(name, func(t *testing.T) {
				l.t = t
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				onCut := kill
				if mode.lost {
					onCut = nil
				}
				p := l.provider()
				l.cut.arm(n, mode.undone, mode.lost, onCut)
				err := applyAll(ctx, p, l.plan(1, 1))
				at := "nothing"
				if c := changes(l); len(c) >= n {
					at = c[n-1]
				}
				l.cut.disarm()
				recordedBeforeStarted(t, l)
				if !mode.lost && err == nil && n < total {
					t.Errorf("cut at %s, but apply returned no error", at)
				}
				if mode.lost && err != nil {
					t.Errorf("cut at %s: the next apply failed: %v", at, err)
				}
				if n%2 == 0 && !mode.lost { // destroy copes with what a kill leaves as well
					destroy(l, empty)
					return
				}
				if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
					t.Fatalf("cut at %s: the next run: %v", at, err)
				}
				settle(t, l, want)
				destroy(l, empty)
				if t.Failed() {
					t.Logf("cut at %s", at)
				}
			}) {
				return
			}
		}
	}
}

// recordedBeforeStarted checks that no bootstrap host has run of which the engine
// does not know: beside a silent API, that is what tells a cluster that may live
// from one that cannot.
func recordedBeforeStarted(t *testing.T, l *lab) {
	t.Helper()
	r, err := l.provider().Recorded(t.Context(), infraID)
	if err != nil {
		t.Fatal(err)
	}
	for _, vm := range l.engine.Inventory().VMs {
		if vm.Name == ovirt.BootstrapName(infraID) && vm.Run > 0 && r.Progress != base.Begun {
			t.Errorf("the bootstrap host has run, and the record is: %s", r.Progress)
		}
		if r.Progress == base.Unrecorded || r.Progress == base.NoRecord && vm.Run > 0 {
			t.Errorf("there are machines, and the record is: %s", r.Progress)
		}
	}
}

// TestRecord follows the engine's record through the life of a cluster.
func TestRecord(t *testing.T) {
	l := newLab(t, 3)
	p, pl := l.provider(), l.plan(1, 0)
	vip := netip.MustParseAddr("198.18.0.10")
	want := func(progress base.Progress) {
		t.Helper()
		r, err := p.Recorded(t.Context(), infraID)
		if err != nil || r.Progress != progress {
			t.Errorf("record %+v, %v; want %s", r, err, progress)
		}
		if progress == base.NoRecord {
			return
		}
		all, err := p.Clusters(t.Context())
		if err != nil || len(all) != 1 || all[0].Domain != "demo.okd.test" || !slices.Contains(all[0].APIVIPs, vip) {
			t.Errorf("clusters %+v, %v", all, err)
		}
	}
	want(base.NoRecord)
	for _, stage := range []plan.Stage{plan.StageImage, plan.StageInfrastructure} {
		if err := p.Apply(t.Context(), pl, stage); err != nil {
			t.Fatal(err)
		}
		want(base.Making)
	}
	// The engine cannot keep the record: then the host is not started.
	id := l.engine.Inject(engine.Fault{Method: http.MethodPut, Path: "/tags/*", Status: 400,
		Detail: "[Cannot edit Tag.]", Count: -1})
	if err := p.Apply(t.Context(), pl, plan.StageBootstrap); err == nil ||
		!strings.Contains(err.Error(), "bootstrap begun") {
		t.Errorf("the record cannot be written: %v", err)
	}
	if l.started(ovirt.BootstrapName(infraID)) != nil {
		t.Error("the bootstrap host was started without a record")
	}
	l.engine.Heal(id)
	if err := p.Apply(t.Context(), pl, plan.StageBootstrap); err != nil {
		t.Fatal(err)
	}
	want(base.Begun)
	if err := p.Record(t.Context(), base.Record{InfraID: infraID, Progress: base.HandedOver}); err != nil {
		t.Fatal(err)
	}
	want(base.HandedOver)
	if _, err := p.Destroy(t.Context(), infraID, plan.StageBootstrap); err != nil {
		t.Fatal(err)
	}
	want(base.HandedOver)
	if err := p.Apply(t.Context(), pl, plan.StageImage); err != nil {
		t.Fatal(err)
	}
	want(base.HandedOver)
	l.engine.Inject(engine.Fault{Method: http.MethodGet, Path: "/tags", Status: 500, Count: -1})
	if _, err := p.Recorded(t.Context(), infraID); err == nil {
		t.Error("an engine that fails has no record")
	}
	l.engine.Heal("")
}

func TestDestroyNamesWhatRemains(t *testing.T) {
	l := newLab(t, 3)
	empty := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 0)); err != nil {
		t.Fatal(err)
	}
	l.engine.Inject(engine.Fault{Method: http.MethodDelete, Path: "/vms/*", Status: 500,
		Detail: "[Internal Engine Error]", Count: -1})
	l.engine.Inject(engine.Fault{Method: http.MethodDelete, Path: "/tags/*", Status: 409,
		Detail: "[Cannot remove Tag. Related operation is currently in progress.]", Count: -1})
	left, err := l.provider().Destroy(t.Context(), infraID, base.Everything)
	if err == nil || !strings.Contains(err.Error(), "vm demo-x7k2p-master-0") ||
		!strings.Contains(err.Error(), "tag demo-x7k2p") {
		t.Errorf("the error should name what is left: %v", err)
	}
	if len(left) != 5 { // three machines, two tags
		t.Errorf("left %v", left)
	}
	l.engine.Heal("")
	if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil || len(left) > 0 {
		t.Errorf("after the fault is gone: %v %v", left, err)
	}
	settle(t, l, empty)
}

func TestTokenExpires(t *testing.T) {
	l := newLab(t, 3)
	p, pl := l.provider(), l.plan(1, 1)
	for _, s := range plan.Stages() {
		l.engine.ExpireSessions()
		if err := p.Apply(t.Context(), pl, s); err != nil {
			t.Fatalf("stage %s: %v", s, err)
		}
	}
}

func TestBusyAndFailingEngine(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault engine.Fault
		works bool
	}{
		{"locked disk", engine.Fault{Method: http.MethodPut, Path: "/disks/*", Status: 409,
			Detail: "[Cannot edit Virtual Disk. Disk is locked. Please try again later.]", Count: 5}, true},
		{"locked machine", engine.Fault{Method: http.MethodPost, Path: "/vms/*/start", Status: 409,
			Detail: "[Cannot run VM. VM is locked.]", Count: 3}, true},
		{"related operation", engine.Fault{Method: http.MethodPost, Path: "/clusters/*/affinitygroups/*/vms",
			Status: 409, Detail: "[Cannot edit Affinity Group. Related operation is currently in progress.]",
			Count: 4}, true},
		{"one 503 while creating", engine.Fault{Method: http.MethodPost, Path: "/vms", Status: 503}, true},
		{"lists fail for a while", engine.Fault{Method: http.MethodGet, Path: "/vms", Status: 500, Count: 2}, true},
		{"upload interrupted", engine.Fault{Kind: "drop", Method: http.MethodPut, Path: "/images/*", Count: 2}, true},
		{"upload lost", engine.Fault{Kind: "lost", Method: http.MethodPut, Path: "/images/*"}, true},
		{"imageio busy", engine.Fault{Method: http.MethodPut, Path: "/images/*", Status: 503, Count: 2}, true},
		{"slow transfer", engine.Fault{Kind: "slow-transfer", Path: "/images/*", BytesPerSecond: 3 << 20}, true},
		{"refused machine", engine.Fault{Method: http.MethodPost, Path: "/vms", Status: 400,
			Detail: "[Cannot add VM. The VM cluster is gone.]", Count: -1}, false},
		{"no permission", engine.Fault{Method: http.MethodPost, Path: "/disks", Status: 403,
			Detail: "[User is not authorized to perform this action.]", Count: -1}, false},
		{"imageio broken", engine.Fault{Method: http.MethodPut, Path: "/images/*", Status: 500, Count: -1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, 3)
			empty := l.picture()
			l.engine.Inject(c.fault)
			err := applyAll(t.Context(), l.provider(), l.plan(1, 0))
			if c.works != (err == nil) {
				t.Errorf("works: %v, want %v: %v", err == nil, c.works, err)
			}
			if !c.works && c.fault.Detail != "" && !strings.Contains(err.Error(), strings.Trim(c.fault.Detail, "[]")) {
				t.Errorf("the error should carry the engine's words: %v", err)
			}
			l.engine.Heal("")
			if err := applyAll(t.Context(), l.provider(), l.plan(1, 0)); err != nil {
				t.Errorf("the next run: %v", err)
			}
			if left, err := l.provider().Destroy(t.Context(), infraID, base.Everything); err != nil {
				t.Errorf("destroy: %v %v", left, err)
			}
			settle(t, l, empty)
		})
	}
}

func TestInterruptedUploadCleansUp(t *testing.T) {
	l := newLab(t, 3)
	l.engine.Inject(engine.Fault{Kind: "slow-transfer", Path: "/images/*", BytesPerSecond: 256 << 10, Count: -1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(l.engine.Inventory().History.Transfers) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		cancel()
	}()
	if err := l.provider().Apply(ctx, l.plan(1, 0), plan.StageImage); err == nil {
		t.Fatal("the interrupted upload should be an error")
	}
	settle(t, l, "tag demo-x7k2p\ntag demo-x7k2p-bootstrap\ntemplate Blank ok")
}

func TestForeignObjectsStay(t *testing.T) {
	l := newLab(t, 3)
	c := l.client()
	if _, err := c.CreateVM(t.Context(), api.VMSpec{Name: ovirt.MasterName(infraID, 0), Description: "mine",
		ClusterID: l.cluster,
		Type:      "server", OSType: "other", Sockets: 1, Cores: 1, Threads: 1, MemoryBytes: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	p, pl := l.provider(), l.plan(1, 0)
	r, err := p.Preflight(t.Context(), pl)
	if err != nil || !strings.Contains(strings.Join(r.Lines(false), "\n"), "is not of this cluster") {
		t.Errorf("preflight should report it: %v %v", err, r.Lines(false))
	}
	if err := applyAll(t.Context(), p, pl); err == nil || !strings.Contains(err.Error(),
		"does not belong to this cluster") {
		t.Errorf("apply should refuse to take it: %v", err)
	}
	if _, err := p.Destroy(t.Context(), infraID, base.Everything); err != nil {
		t.Error(err)
	}
	if got := l.picture(); !strings.Contains(got, "vm demo-x7k2p-master-0 down") {
		t.Errorf("the machine of another user is gone:\n%s", got)
	}
}

func TestStaleIgnitionIsReplacedBeforeTheFirstStart(t *testing.T) {
	l := newLab(t, 3)
	pl := l.plan(1, 0)
	id := l.engine.Inject(engine.Fault{Method: http.MethodPost, Path: "/vms/*/start", Status: 400,
		Detail: "[Cannot run VM.]", Count: -1})
	if err := applyAll(t.Context(), l.provider(), pl); err == nil {
		t.Fatal("apply should fail")
	}
	l.engine.Heal(id)
	ign := ignitions(1, 0)
	ign[ovirt.MasterName(infraID, 0)] = config("newer")
	newer, err := ovirt.Plan(l.installConfig(1, 0), infraID, l.image, ign)
	if err != nil {
		t.Fatal(err)
	}
	if err := applyAll(t.Context(), l.provider(), newer); err != nil {
		t.Fatal(err)
	}
	if hw := l.started(ovirt.MasterName(infraID, 0)); hw == nil || !bytes.Contains(hw.UserData, []byte("newer")) {
		t.Errorf("the machine started with an old config")
	}
	// One that ran keeps what it has; the diff says so.
	diff, err := l.provider().Diff(t.Context(), pl)
	if err != nil || len(diff.Differ) != 1 || diff.Differ[0].Differences[0].Field != "ignition" {
		t.Errorf("diff %+v %v", diff.Differ, err)
	}
}

func TestTemplateOverride(t *testing.T) {
	l := newLab(t, 3)
	if err := l.provider().Apply(t.Context(), l.plan(1, 0), plan.StageImage); err != nil {
		t.Fatal(err)
	}
	const other = "other-a1b2c"
	ign := ovirt.Ignitions{ovirt.BootstrapName(other): config("b"), ovirt.MasterName(other, 0): config("m")}
	for _, c := range []struct {
		template string
		works    bool
	}{{ovirt.ImageName(infraID), true}, {"no-such-template", false}, {"Blank", false}} {
		pl, err := ovirt.Plan(l.installConfig(1, 0), other, plan.Image{Template: c.template}, ign)
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.provider().Preflight(t.Context(), pl)
		if err != nil || r.Failed() == c.works {
			t.Errorf("%s: preflight %v %v", c.template, err, r.Lines(false))
		}
		if err := applyAll(t.Context(), l.provider(), pl); (err == nil) != c.works {
			t.Errorf("%s: apply: %v", c.template, err)
		}
		if _, err := l.provider().Destroy(t.Context(), other, base.Everything); err != nil {
			t.Error(err)
		}
		if got := l.picture(); !strings.Contains(got, "template demo-x7k2p-rhcos ok") || strings.Contains(got, other) {
			t.Errorf("%s: destroy should leave the other's template and nothing else:\n%s", c.template, got)
		}
	}
}
