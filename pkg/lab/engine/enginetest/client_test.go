package enginetest_test

import (
	"bytes"
	"io"
	"testing"

	ovirtclientlog "github.com/ovirt/go-ovirt-client-log/v3"
	ovirtclient "github.com/ovirt/go-ovirt-client/v3"

	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
)

func dial(t *testing.T, e *enginetest.Engine) ovirtclient.Client {
	t.Helper()
	c, err := ovirtclient.New(e.URL, e.Username, e.Password.Reveal(), ovirtclient.TLS().CACertsFromFile(e.CAFile),
		ovirtclientlog.NewNOOPLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// quick polls every second instead of backing off.
var quick = ovirtclient.ExponentialBackoff(1)

// TestInstallFlow does with the real client what an installation does: upload,
// template, tagged VM with Ignition in an affinity group, start, stop, remove.
func TestInstallFlow(t *testing.T) {
	e := enginetest.Start(t)
	before := e.Inventory().Objects()
	c := dial(t, e)

	image := make([]byte, 2<<20)
	copy(image, "a boot sector")
	up := must[ovirtclient.UploadImageResult](t)(c.UploadToNewDisk(ovirtclient.StorageDomainID(e.StorageDomainID),
		ovirtclient.ImageFormatRaw,
		uint64(len(image)), ovirtclient.CreateDiskParams().MustWithAlias("demo-rhcos").MustWithSparse(true),
		nopCloser{bytes.NewReader(image)}, quick))
	if got, _ := e.Volumes.Content(string(up.Disk().ID())); !bytes.Equal(got, image) {
		t.Fatalf("uploaded %d bytes, the disk holds %d", len(image), len(got))
	}
	osType := ovirtclient.NewVMOSParameters().MustWithType("rhcos_x64")
	tmp := must[ovirtclient.VM](t)(c.CreateVM(ovirtclient.ClusterID(e.ClusterID), ovirtclient.DefaultBlankTemplateID,
		"tmpvm-for-demo-rhcos",
		ovirtclient.NewCreateVMParams().WithOS(osType), quick))
	must[ovirtclient.DiskAttachment](t)(tmp.AttachDisk(up.Disk().ID(), ovirtclient.DiskInterfaceVirtIOSCSI,
		ovirtclient.CreateDiskAttachmentParams().MustWithBootable(true).MustWithActive(true), quick))
	must[ovirtclient.NIC](t)(tmp.CreateNIC("nic1", ovirtclient.VNICProfileID(e.VNICProfileID), nil, quick))
	tpl := must[ovirtclient.Template](t)(c.CreateTemplate(tmp.ID(), "demo-rhcos", nil, quick))
	must[ovirtclient.Template](t)(tpl.WaitForStatus(ovirtclient.TemplateStatusOK, quick))

	ign := `{"ignition":{"version":"3.2.0"}}`
	vm := must[ovirtclient.VM](t)(c.CreateVM(ovirtclient.ClusterID(e.ClusterID), tpl.ID(), "demo-master-0",
		ovirtclient.NewCreateVMParams().MustWithClone(true).MustWithCPUParameters(4, 1, 1).MustWithMemory(8<<30).
			MustWithInitializationParameters(ign, ""), quick))
	vm = must[ovirtclient.VM](t)(vm.WaitForStatus(ovirtclient.VMStatusDown, quick))
	tag := must[ovirtclient.Tag](t)(c.CreateTag("demo", ovirtclient.NewCreateTagParams().MustWithDescription("lab"),
		quick))
	if err := vm.AddTag(tag.ID(), quick); err != nil {
		t.Fatal(err)
	}
	group := must[ovirtclient.AffinityGroup](t)(c.CreateAffinityGroup(ovirtclient.ClusterID(e.ClusterID),
		"demo-controlplane",
		ovirtclient.CreateAffinityGroupParams().MustWithVMsRuleParameters(true, ovirtclient.AffinityNegative, true), quick))
	if err := group.AddVM(vm.ID(), quick); err != nil {
		t.Fatal(err)
	}
	disks := must[[]ovirtclient.DiskAttachment](t)(vm.ListDiskAttachments(quick))
	must[ovirtclient.Disk](t)(c.UpdateDisk(disks[0].DiskID(),
		ovirtclient.UpdateDiskParams().MustWithProvisionedSize(16<<20), quick))
	if size := e.Volumes.Size(string(disks[0].DiskID())); size != 16<<20 {
		t.Errorf("disk has %d bytes after its extension", size)
	}
	if err := vm.Start(quick); err != nil {
		t.Fatal(err)
	}
	must[ovirtclient.VM](t)(vm.WaitForStatus(ovirtclient.VMStatusUp, quick))
	hw, _, ok := e.Machines.Hardware(string(vm.ID()))
	if !ok || string(hw.UserData) != ign || hw.CPUs != 4 || hw.MemoryMB != 8192 || len(hw.NICs) != 1 ||
		len(hw.Disks) != 1 || hw.NICs[0].Network != "ovirtmgmt" {
		t.Errorf("machine was started with %+v (user data %s)", hw, hw.UserData)
	}
	found := must[[]ovirtclient.VM](t)(c.SearchVMs(ovirtclient.VMSearchParams().WithTag("demo"), quick))
	if len(found) != 1 || found[0].ID() != vm.ID() {
		t.Errorf("search by tag found %d VMs", len(found))
	}

	for _, err := range []error{vm.Stop(true, quick), ignore(vm.WaitForStatus(ovirtclient.VMStatusDown, quick)),
		vm.Remove(quick), tag.Remove(quick),
		group.Remove(quick), tmp.Remove(quick), tpl.Remove(quick)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	enginetest.Eventually(t, "the engine to be as before", func() bool {
		return enginetest.Same(before, e.Inventory().Objects())
	})
	if n := e.Volumes.Count(); n != 0 {
		t.Errorf("%d volumes are left", n)
	}
}

func ignore[T any](_ T, err error) error { return err }
