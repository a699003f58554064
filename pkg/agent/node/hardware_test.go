package node

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/service"
)

const rackHost = `
apiVersion: metal3.io/v1alpha1
kind: BareMetalHost
metadata: {name: rack-0, labels: {a: b}}
spec:
  externallyProvisioned: true
  bootMACAddress: 52:54:00:AB:00:01
  fieldOfTomorrow: stays
`

var machineNetworks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")}

func registered() []service.Known {
	nic := func(name, mac string, addresses ...string) agent.NIC {
		n := agent.NIC{Name: name, MAC: mac, SpeedMbps: 10000}
		for _, a := range addresses {
			n.Addresses = append(n.Addresses, netip.MustParsePrefix(a))
		}
		return n
	}
	return []service.Known{
		{Hostname: "other", Inventory: agent.Inventory{NICs: []agent.NIC{nic("eno1", "52:54:00:ab:00:09", "192.0.2.9/24")}}},
		{Hostname: "master-0", Inventory: agent.Inventory{
			Architecture: "x86_64", CPUs: 8, MemoryMiB: 16384, Vendor: "Dell Inc.",
			NICs: []agent.NIC{
				nic("storage", "52:54:00:ab:00:02", "198.51.100.1/24"),
				nic("eno1", "52:54:00:ab:00:01", "fe80::1/64", "203.0.113.1/24", "192.0.2.10/24", "2001:db8::10/64"),
				nic("down", "52:54:00:ab:00:03"),
			},
			Disks: []agent.Disk{
				{Name: "nvme0n1", Path: "/dev/nvme0n1", ByPath: "/dev/disk/by-path/pci-1", SizeBytes: 1 << 40},
				{Name: "sda", Path: "/dev/sda", Rotational: true}, {Name: "sr0", Path: "/dev/sr0", Removable: true},
			},
		}},
	}
}

func TestDescribeHost(t *testing.T) {
	out, err := describeHost([]byte(rackHost), registered(), machineNetworks)
	if err != nil {
		t.Fatal(err)
	}
	var host metal3.BareMetalHost
	if err := yaml.Unmarshal(out, &host); err != nil {
		t.Fatal(err)
	}
	var status metal3.BareMetalHostStatus
	if err := json.Unmarshal([]byte(host.Annotations[metal3.StatusAnnotation]), &status); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "fieldOfTomorrow: stays") || host.Labels["a"] != "b" || !status.PoweredOn {
		t.Errorf("%s", out)
	}
	hw := status.HardwareDetails
	var ips []string
	for _, n := range hw.NIC {
		ips = append(ips, n.IP)
	}
	want := []string{"192.0.2.10", "2001:db8::10", "198.51.100.1"}
	if hw.Hostname != "master-0" || !slices.Equal(ips, want) ||
		!hw.NIC[0].PXE || hw.NIC[2].PXE || hw.NIC[0].SpeedGbps != 10 {
		t.Errorf("%+v", hw)
	}
	if len(hw.Storage) != 2 || hw.Storage[0].Type != metal3.NVME || hw.Storage[0].Name != "/dev/disk/by-path/pci-1" ||
		hw.Storage[1].Type != metal3.HDD || hw.CPU.Count != 8 || hw.RAMMebibytes != 16384 {
		t.Errorf("%+v", hw)
	}
	if again, err := describeHost(out, nil, nil); err != nil || string(again) != string(out) {
		t.Errorf("again: %v\n%s", err, again)
	}
}

func TestDescribeOnlyHostsThatInstallThemselves(t *testing.T) {
	for name, manifest := range map[string]string{
		"not registered":       strings.Replace(rackHost, ":AB:00:01", ":AB:00:77", 1),
		"the cluster's own":    strings.Replace(rackHost, "externallyProvisioned: true", "online: true", 1),
		"without boot address": strings.Replace(rackHost, "bootMACAddress", "x", 1),
		"something else":       strings.Replace(rackHost, "BareMetalHost", "Secret", 1),
	} {
		if out, err := describeHost([]byte(manifest), registered(), machineNetworks); out != nil || err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func FuzzDescribeHost(f *testing.F) {
	f.Add([]byte(rackHost))
	f.Add([]byte("kind: BareMetalHost\nmetadata: []\n"))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		out, err := describeHost(manifest, registered(), machineNetworks)
		if err != nil || out == nil {
			return
		}
		var host metal3.BareMetalHost
		if err := yaml.Unmarshal(out, &host); err != nil || host.Annotations[metal3.StatusAnnotation] == "" {
			t.Errorf("%v: %s", err, out)
		}
	})
}
