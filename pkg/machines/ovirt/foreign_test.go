package ovirt_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ovirtsdk "github.com/ovirt/go-ovirt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	base "github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// talk collects the messages of a run.
type talk struct {
	mu    sync.Mutex
	lines []string
}

func (s *talk) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, e.Message)
}

func (s *talk) said(words ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.lines, func(line string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
	})
}

// destroyAll removes the cluster and returns the messages.
func (l *lab) destroyAll(edit func(*ovirt.Deps)) (*talk, []plan.Ref, error) {
	l.t.Helper()
	said := &talk{}
	deps := l.provider().Deps
	deps.Events = said
	if edit != nil {
		edit(&deps)
	}
	left, err := ovirt.New(deps).Destroy(l.t.Context(), infraID, base.Everything)
	return said, left, err
}

// sdk is the login of another user, with all functions of the engine.
func (l *lab) sdk() *ovirtsdk.SystemService {
	l.t.Helper()
	cfg := l.config()
	conn, err := ovirtsdk.NewConnectionBuilder().URL(cfg.URL).Username(cfg.Username).Password(enginetest.Password).
		Insecure(true).Build()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close() })
	return conn.SystemService()
}

// someVM makes a machine that belongs to no cluster.
func (l *lab) someVM(name, description string) api.VM {
	l.t.Helper()
	vm, err := l.client().CreateVM(l.t.Context(), api.VMSpec{Name: name, Description: description, ClusterID: l.cluster,
		Type: "server", OSType: "other", Sockets: 1, Cores: 1, Threads: 1, MemoryBytes: 1 << 30})
	if err != nil {
		l.t.Fatal(err)
	}
	return vm
}

// plug makes a disk with something on it, and puts it into a machine while it runs.
func (l *lab) plug(vmName, alias string, shareable bool) string {
	l.t.Helper()
	d := ovirtsdk.NewDiskBuilder().Alias(alias).Format(ovirtsdk.DISKFORMAT_RAW).Sparse(true).ProvisionedSize(1 << 20).
		Shareable(shareable).StorageDomainsBuilderOfAny(*ovirtsdk.NewStorageDomainBuilder().Id(l.domain)).MustBuild()
	made, err := l.sdk().DisksService().Add().Disk(d).Send()
	if err != nil {
		l.t.Fatal(err)
	}
	id := made.MustDisk().MustId()
	c := l.client()
	if _, err := c.WaitDisk(l.t.Context(), id, 10*time.Second); err != nil {
		l.t.Fatal(err)
	}
	_, err = l.volumes.Write(l.t.Context(), id, 0, strings.NewReader("ledger of "+alias))
	if err == nil {
		_, err = l.volumes.Commit(l.t.Context(), id, "raw")
	}
	if err != nil {
		l.t.Fatal(err)
	}
	vm, err := c.FindVM(l.t.Context(), vmName)
	if err != nil || vm == nil {
		l.t.Fatal(vm, err)
	}
	a := ovirtsdk.NewDiskAttachmentBuilder().DiskBuilder(ovirtsdk.NewDiskBuilder().Id(id)).
		Interface(ovirtsdk.DISKINTERFACE_VIRTIO_SCSI).Bootable(false).Active(true).MustBuild()
	if _, err := l.sdk().VmsService().VmService(vm.ID).DiskAttachmentsService().Add().Attachment(a).Send(); err != nil {
		l.t.Fatal(err)
	}
	return id
}

func (l *lab) content(id string) string {
	content, _ := l.volumes.Content(id)
	return string(content)
}

// TestForeignDisksSurvive plugs a volume into a master, as a storage driver
// does, and destroys the cluster.
func TestForeignDisksSurvive(t *testing.T) {
	l := newLab(t, 3)
	before := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	id := l.plug(ovirt.MasterName(infraID, 0), "pvc-0815", false)
	said, left, err := l.destroyAll(nil)
	if err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, "disk pvc-0815 ok 1048576 bytes\n"+before)
	if got := l.content(id); got != "ledger of pvc-0815" {
		t.Errorf("the disk holds %q", got)
	}
	if !said.said("pvc-0815", id, "detached", ovirt.MasterName(infraID, 0)) || !said.said("left in the engine", id) {
		t.Errorf("nothing names the disk that stays:\n%s", strings.Join(said.lines, "\n"))
	}
}

func TestForeignDisksGoWhenAsked(t *testing.T) {
	l := newLab(t, 3)
	before := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 0)); err != nil {
		t.Fatal(err)
	}
	l.plug(ovirt.MasterName(infraID, 0), "pvc-0815", false)
	shared := l.plug(ovirt.MasterName(infraID, 0), "shared", true)
	said, left, err := l.destroyAll(func(d *ovirt.Deps) { d.DeleteForeignDisks = true })
	if err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, "disk shared ok 1048576 bytes\n"+before) // it may be in other machines
	if !said.said(shared, "stay") || said.said("pvc-0815", "stay") {
		t.Errorf("said:\n%s", strings.Join(said.lines, "\n"))
	}
}

// TestDetachFails keeps a machine whose disk cannot be taken out, and goes on
// with the others.
func TestDetachFails(t *testing.T) {
	l := newLab(t, 3)
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	id := l.plug(ovirt.MasterName(infraID, 0), "pvc-0815", false)
	fault := l.engine.Inject(engine.Fault{Method: http.MethodDelete, Path: "/vms/*/diskattachments/*", Status: 409,
		Detail: "[Cannot detach Virtual Disk. The disk contains snapshots.]", Count: -1})
	_, left, err := l.destroyAll(nil)
	for _, want := range []string{"vm " + ovirt.MasterName(infraID, 0), "pvc-0815 (" + id + ")", "contains snapshots"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if len(left) == 0 {
		t.Error("nothing is said to be left")
	}
	got := l.picture()
	if !strings.Contains(got, "vm demo-x7k2p-master-0 down") || strings.Contains(got, "worker-0 ") ||
		l.content(id) == "" || !strings.Contains(got, "tag "+infraID) {
		t.Errorf("the master with its disk stays, with its tag, and nothing else:\n%s", got)
	}
	l.engine.Heal(fault)
	if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
		t.Errorf("after the fault is gone: %v %v", left, err)
	}
}

// TestDisksOfEarlierVersions have no mark on engines that copy no descriptions.
func TestDisksOfEarlierVersions(t *testing.T) {
	l := newLab(t, 3)
	before := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	for _, vm := range l.engine.Inventory().VMs {
		for _, a := range vm.Disks {
			if err := l.client().DescribeDisk(t.Context(), a.Disk, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
}

// TestEngineThatIgnoresSearches has an engine that answers every search with everything.
func TestEngineThatIgnoresSearches(t *testing.T) {
	l := newLab(t, 3)
	c := l.client()
	l.someVM("accounting", "the books")
	l.someVM(ovirt.MasterName(infraID, 7), "a machine of another user with such a name")
	l.someVM(infraID+"-backup", "okd-install cluster other-a1b2c; master")
	d, err := c.CreateDisk(t.Context(), api.DiskSpec{Alias: infraID + "-archive", Format: "cow", Sparse: true,
		Bytes: 1 << 20, StorageDomainID: l.domain})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitDisk(t.Context(), d.ID, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateTag(t.Context(), "books", "okd-install cluster other-a1b2c;"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateGroup(t.Context(), api.Group{Name: infraID + "-storage", ClusterID: l.cluster,
		Description: "mine"}); err != nil {
		t.Fatal(err)
	}
	before := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	l.engine.Inject(engine.Fault{Kind: "ignore-search", Path: "/**", Count: -1})
	if left, err := l.provider().Destroy(t.Context(), infraID, plan.StageBootstrap); err != nil || len(left) > 0 {
		t.Fatalf("destroy bootstrap: %v %v", left, err)
	}
	if got := l.picture(); !strings.Contains(got, "vm demo-x7k2p-master-0 up") ||
		!strings.Contains(got, "vm accounting") {
		t.Fatalf("destroy bootstrap took more than the bootstrap host:\n%s", got)
	}
	said, left, err := l.destroyAll(nil)
	if err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
	for _, name := range []string{
		"virtual machine " + ovirt.MasterName(infraID, 7), "virtual machine " + infraID + "-backup",
		"affinity group " + infraID + "-storage",
	} {
		if !said.said("leaving "+name, "alone") {
			t.Errorf("%s is not named:\n%s", name, strings.Join(said.lines, "\n"))
		}
	}
	if said.said("accounting") {
		t.Error("objects that only the search returned are named")
	}
}

// TestTagOfSomebodyElseProvesNothing has a tag with the cluster's name that another user
// made and put on his machine.
func TestTagOfSomebodyElseProvesNothing(t *testing.T) {
	l := newLab(t, 3)
	c := l.client()
	tag, err := c.CreateTag(t.Context(), infraID, "mine")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.TagVM(t.Context(), l.someVM(infraID+"-db", "mine"), tag); err != nil {
		t.Fatal(err)
	}
	before := l.picture()
	said, left, err := l.destroyAll(nil)
	if err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
	if !said.said("leaving tag "+infraID) || !said.said("leaving virtual machine "+infraID+"-db") {
		t.Errorf("said:\n%s", strings.Join(said.lines, "\n"))
	}
}

// TestGroupsOfEarlierVersions have the user's description and no mark: those
// that hold the cluster's machines go, one that holds others' stays.
func TestGroupsOfEarlierVersions(t *testing.T) {
	l := newLab(t, 3)
	before := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	c := l.client()
	master, err := c.FindVM(t.Context(), ovirt.MasterName(infraID, 0))
	if err != nil {
		t.Fatal(err)
	}
	other := l.someVM("other", "mine")
	for name, vms := range map[string][]api.VM{"old": {*master}, "mixed": {*master, other}} {
		g, err := c.CreateGroup(t.Context(), api.Group{Name: infraID + "-" + name, ClusterID: l.cluster,
			Description: "rack 7"})
		if err != nil {
			t.Fatal(err)
		}
		for _, vm := range vms {
			if err := c.JoinGroup(t.Context(), g, vm); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	got := l.picture()
	if !strings.Contains(got, "group demo-x7k2p-mixed [other]") || strings.Contains(got, "group demo-x7k2p-old") {
		t.Errorf("groups:\n%s", got)
	}
	if strings.Count(got, "\n") != strings.Count(before, "\n")+2 {
		t.Errorf("more or less is left than the other machine and its group:\n%s", got)
	}
}

// TestTemplatesDisksInOthersMachines is a cluster whose template another cluster
// was made of: its disks have the first one's mark and name, and are in use.
func TestTemplatesDisksInOthersMachines(t *testing.T) {
	l := newLab(t, 3)
	if err := l.provider().Apply(t.Context(), l.plan(1, 0), plan.StageImage); err != nil {
		t.Fatal(err)
	}
	c := l.client()
	tpl, err := c.FindTemplate(t.Context(), ovirt.ImageName(infraID))
	if err != nil {
		t.Fatal(err)
	}
	vm, err := c.CreateVM(t.Context(), api.VMSpec{Name: "copy", ClusterID: l.cluster, TemplateID: tpl.ID, Clone: true,
		Type: "server", OSType: "rhcos_x64", Sockets: 1, Cores: 1, Threads: 1, MemoryBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	enginetest.Eventually(t, "the copy to be made", func() bool {
		now, err := c.GetVM(t.Context(), vm.ID)
		return err == nil && now.Status == api.VMDown
	})
	if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	want := "disk demo-x7k2p-rhcos ok 1048576 bytes\ntemplate Blank ok\nvm copy down nics=1 disks=1 tags=[] " +
		"runs=false os=rhcos_x64 consoles=2"
	settle(t, l, want)
	// A second try with the same ID neither uses that disk nor removes it.
	if err := l.provider().Apply(t.Context(), l.plan(1, 0), plan.StageImage); err != nil {
		t.Fatal(err)
	}
	if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, want)
}

// TestWriteThatEndsLate abandons a request that the engine carries out later, after the
// request was repeated.
func TestWriteThatEndsLate(t *testing.T) {
	for _, c := range []struct {
		name, path string
	}{{"disk", "/disks"}, {"machine", "/vms"}, {"template", "/templates"}, {"tag", "/tags"}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, 3)
			before := l.picture()
			options := quick
			options.CallLimit = 400 * time.Millisecond
			client, err := api.Dial(t.Context(), l.config(), options)
			if err != nil {
				t.Fatal(err)
			}
			deps := l.provider().Deps
			deps.Engine = client
			l.engine.Inject(engine.Fault{Method: http.MethodPost, Path: c.path, Delay: 700 * time.Millisecond})
			l.engine.Inject(engine.Fault{Kind: "slow-transfer", Path: "/images/*", BytesPerSecond: 200 << 10,
				Count: -1})
			if err := applyAll(t.Context(), ovirt.New(deps), l.plan(1, 0)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // the late one has come by now
			inv := l.engine.Inventory()
			loose := 0
			for _, d := range inv.Disks {
				used := d.Template != ""
				for _, vm := range inv.VMs {
					for _, a := range vm.Disks {
						used = used || a.Disk == d.ID
					}
				}
				if !used {
					loose++
				}
			}
			if len(inv.VMs) != 3 || len(inv.Tags) != 2 || len(inv.Templates) != 2 || loose != 0 {
				t.Errorf("something was made twice, %d loose disks:\n%s", loose, l.picture())
			}
			if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
				t.Errorf("destroy: %v %v", left, err)
			}
			settle(t, l, before)
		})
	}
}
