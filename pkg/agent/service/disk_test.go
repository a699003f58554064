package service

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

// What identifies the disk of a host is told once the host is ordered to write it.
func TestDiskID(t *testing.T) {
	o := newOffice(t, config(1, 0, 0))
	id := func() *agent.DiskID {
		r := o.report(0, agent.Ready)
		r.Disk = "/dev/sdb"
		r.Inventory.Disks = []agent.Disk{
			{Path: "/dev/sda", Serial: "S1", SizeBytes: 1}, {Path: "/dev/sdb", Serial: "S2", WWN: "W2", SizeBytes: 2},
		}
		o.send(0, r)
		return o.Status().Hosts[0].DiskID
	}
	if got := id(); got != nil {
		t.Errorf("before it is decided: %+v", got)
	}
	o.register(0)
	want := agent.DiskID{Path: "/dev/sdb", Serial: "S2", WWN: "W2", SizeBytes: 2}
	if got := id(); got == nil || *got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
