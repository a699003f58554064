package ovirt

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/okd-install/okd-install/pkg/machines"
)

const recordID = "demo-x7k2p"

func record(p machines.Progress, domain string, vips ...string) machines.Record {
	r := machines.Record{InfraID: recordID, Progress: p, Domain: domain}
	for _, vip := range vips {
		r.APIVIPs = append(r.APIVIPs, netip.MustParseAddr(vip))
	}
	return r
}

const full = "okd-install cluster demo-x7k2p; record 1; domain demo.okd.test; api 198.18.0.10 fd00::10; progress begun"

func TestReadRecord(t *testing.T) {
	tests := []struct {
		name, text string
		want       machines.Record
	}{
		{"whole", full, record(machines.Begun, "demo.okd.test", "198.18.0.10", "fd00::10")},
		{"of an older version", "okd-install cluster demo-x7k2p;", record(machines.Unrecorded, "")},
		{"emptied", "", record(machines.Unrecorded, "")},
		{"of another cluster", "okd-install cluster demo-aaaaa; record 1; progress handed-over",
			record(machines.Unrecorded, "")},
		{"people wrote around it", "production! " + full + "; ask Anna",
			record(machines.Begun, "demo.okd.test", "198.18.0.10", "fd00::10")},
		{"a word that is not known", "okd-install cluster demo-x7k2p; record 2; domain d.test; progress upgraded",
			record(machines.Unrecorded, "d.test")},
		{"invalid address", "okd-install cluster demo-x7k2p; record 1; api here; progress making",
			record(machines.Making, "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, readRecord(recordID, tt.text), cmpopts.EquateComparable(netip.Addr{})); d != "" {
				t.Error(d)
			}
		})
	}
	if got := describeRecord(readRecord(recordID, full)); got != full {
		t.Errorf("written again: %s", got)
	}
}

func TestRedescribe(t *testing.T) {
	tests := []struct {
		name string
		r    machines.Record
		was  string
		want string
	}{
		{"rises", record(machines.HandedOver, ""), full,
			"okd-install cluster demo-x7k2p; record 1; domain demo.okd.test; api 198.18.0.10 fd00::10; progress handed-over"},
		{"never lowered", record(machines.Making, "other.test"), full, full},
		{"completed", record(machines.Begun, "demo.okd.test", "198.18.0.10"),
			"okd-install cluster demo-x7k2p; record 1; progress handed-over",
			"okd-install cluster demo-x7k2p; record 1; domain demo.okd.test; api 198.18.0.10; progress handed-over"},
		{"of an older version", record(machines.Begun, "demo.okd.test"), "okd-install cluster demo-x7k2p;",
			"okd-install cluster demo-x7k2p; record 1; domain demo.okd.test; progress begun"},
		{"notes of people stay", record(machines.HandedOver, ""),
			"okd-install cluster demo-x7k2p; record 1; progress begun; ask Anna",
			"okd-install cluster demo-x7k2p; record 1; progress handed-over; ask Anna"},
		{"another text stays", record(machines.Begun, ""), "production",
			"okd-install cluster demo-x7k2p; record 1; progress begun; production"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := redescribe(tt.r, tt.was)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if again := redescribe(tt.r, got); again != got {
				t.Errorf("again: %s", again)
			}
		})
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add(full)
	f.Add("x; okd-install cluster demo-x7k2p;record ;progress begun;;api ::1 1")
	f.Fuzz(func(t *testing.T, text string) {
		r := readRecord(recordID, text)
		if r.Progress < machines.Unrecorded || r.Progress > machines.HandedOver {
			t.Errorf("progress %d", r.Progress)
		}
		next := redescribe(record(machines.HandedOver, ""), text)
		if got := readRecord(recordID, next).Progress; got != machines.HandedOver {
			t.Errorf("%q was recorded as %q, and reads as %s", text, next, got)
		}
		if again := redescribe(record(machines.HandedOver, ""), next); again != next {
			t.Errorf("%q changes to %q", next, again)
		}
	})
}
