package enginetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/lab/host"
)

const (
	driveID   = "00000000-0000-0000-0000-000000000000"
	fromDisk  = `<os><boot><devices><device>hd</device><device>cdrom</device></devices></boot></os>`
	fromDrive = `<action><vm><os><boot><devices><device>cdrom</device><device>hd</device></devices></boot></os></vm>` +
		`</action>`
	emptyDrive = `<cdrom><file id=""/></cdrom>`
)

func (r *rest) iso(alias string) string {
	r.t.Helper()
	id := r.ok("POST", "/disks", fmt.Sprintf(`<disk><alias>%s</alias><format>raw</format><content_type>iso</content_type>`+
		`<provisioned_size>1048576</provisioned_size><storage_domains><storage_domain id="%s"/></storage_domains></disk>`,
		alias, r.e.StorageDomainID))
	r.until("/disks/"+id, "ok")
	return id
}

func inserted(disk string) string { return fmt.Sprintf(`<cdrom><file id="%s"/></cdrom>`, disk) }

// refused does a request that must be refused with a status and a text.
func (r *rest) refused(status int, text, method, path, body string) {
	r.t.Helper()
	if a := r.do(method, path, body); a.status != status || !strings.Contains(a.body, text) {
		r.t.Errorf("%s %s: %d %s, want %d and %q", method, path, a.status, a.body, status, text)
	}
}

// TestDrive takes an ISO image into and out of a VM's drive, while it is down and while it runs.
func TestDrive(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	iso := r.iso("live.iso")
	vm := r.vm("vm", fromDisk)
	cdroms, cd := "/vms/"+vm+"/cdroms", "/vms/"+vm+"/cdroms/"+driveID
	if a := r.do("GET", "/disks/"+iso, ""); a.text("content_type") != "iso" {
		t.Errorf("content type: %s", a.body)
	}
	if a := r.do("GET", cdroms, ""); !strings.Contains(a.body, `id="`+driveID+`"`) || strings.Contains(a.body, "<file") {
		t.Errorf("the drive should be there and empty: %s", a.body)
	}
	r.refused(404, "", "GET", cdroms+"/"+iso, "")
	r.refused(400, "file", "PUT", cd, "<cdrom/>")
	r.refused(409, "VM is not running", "PUT", cd+"?current=true", inserted(iso))
	r.ok("PUT", cd, inserted(iso))
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "up")
	hw, _, _ := e.Machines.Hardware(vm)
	if hw.Media == nil || hw.Media.Disk != iso {
		t.Fatalf("the machine has medium %+v", hw.Media)
	}
	if hw.Host == nil || hw.Host.UUID != vm || !slices.Equal(hw.Host.Order, []host.Source{"disk", "media"}) ||
		len(hw.Host.Disks) != 1 || hw.Host.Disks[0].Size != 1<<30 {
		t.Errorf("the machine looks like %+v", hw.Host)
	}
	r.refused(409, "attached to the following running VMs: vm", "DELETE", "/disks/"+iso, "")
	r.ok("PUT", cd+"?current=true", emptyDrive)
	if hw, _, _ := e.Machines.Hardware(vm); hw.Media != nil {
		t.Errorf("after it was ejected the machine has %+v", hw.Media)
	}
	if a := r.do("GET", cd+"?current=true", ""); strings.Contains(a.body, iso) {
		t.Errorf("ejected: %s", a.body)
	}
	if a := r.do("GET", cd, ""); !strings.Contains(a.body, iso) {
		t.Errorf("the next start has lost its medium: %s", a.body)
	}
	// The disk may go now, and then the VM does not start any more: as with a real engine.
	r.ok("DELETE", "/disks/"+iso, "")
	r.ok("POST", "/vms/"+vm+"/stop", action)
	r.until("/vms/"+vm, "down")
	r.refused(409, "cannot be found", "POST", "/vms/"+vm+"/start", action)
	r.ok("PUT", cd, emptyDrive)
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "up")
}

// TestRunOnce starts a VM from its drive in front of its disk, for one run.
func TestRunOnce(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	iso := r.iso("live.iso")
	vm := r.vm("vm", fromDisk)
	once := strings.Replace(fromDrive, "</vm>", "<cdroms><cdrom><file id=\""+iso+"\"/></cdrom></cdroms></vm>", 1)
	for _, run := range []struct {
		order string
		want  []host.Source
		media bool
	}{{once, []host.Source{"media", "disk"}, true}, {action, []host.Source{"disk", "media"}, false}} {
		r.ok("POST", "/vms/"+vm+"/start", run.order)
		r.until("/vms/"+vm, "up")
		hw, _, _ := e.Machines.Hardware(vm)
		if !slices.Equal(hw.Host.Order, run.want) || (hw.Media != nil) != run.media {
			t.Errorf("order %v and medium %v, want %v, %v", hw.Host.Order, hw.Media, run.want, run.media)
		}
		if got := r.do("GET", "/vms/"+vm, "").text("run_once"); got != fmt.Sprint(run.media) {
			t.Errorf("run once is %s", got)
		}
		r.ok("POST", "/vms/"+vm+"/stop", action)
		r.until("/vms/"+vm, "down")
	}
	r.refused(400, "Boot device", "POST", "/vms/"+vm+"/start", strings.Replace(once, "hd", "floppy", 1))
}

// TestContentTypes holds that ISO images are for drives, and nothing else is.
func TestContentTypes(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	iso, data := r.iso("live.iso"), r.disk("data", "raw", 1<<20)
	vm := r.vm("vm", "")
	second := strings.Replace(attach(iso), "<bootable>true", "<bootable>false", 1)
	r.refused(409, "content type ISO", "POST", "/vms/"+vm+"/diskattachments", second)
	r.ok("PUT", "/vms/"+vm+"/cdroms/"+driveID, inserted(data))
	r.refused(409, "cannot be found", "POST", "/vms/"+vm+"/start", action)
	r.ok("PUT", "/vms/"+vm+"/cdroms/"+driveID, emptyDrive)
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "up")
	r.refused(409, "cannot be found", "PUT", "/vms/"+vm+"/cdroms/"+driveID+"?current=true", inserted(data))
	disk := func(content, format string) string {
		return fmt.Sprintf(`<disk><alias>x</alias><format>%s</format><content_type>%s</content_type>`+
			`<provisioned_size>1048576</provisioned_size><storage_domains><storage_domain id="%s"/></storage_domains></disk>`,
			format, content, e.StorageDomainID)
	}
	r.refused(400, "RAW", "POST", "/disks", disk("iso", "cow"))
	r.refused(400, "content type", "POST", "/disks", disk("floppy", "raw"))
}
