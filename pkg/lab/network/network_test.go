package network

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDnsmasqConfiguration(t *testing.T) {
	dir := t.TempDir()
	conf, err := Dnsmasq(dir, Clusters())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"host-record=engine.lab.okd.test,198.18.0.3",
		"host-record=registry.lab.okd.test,198.18.0.2",
		"host-record=quay.io,198.18.0.2",
		"host-record=registry.access.redhat.com,198.18.0.2",
		"host-record=api.demo.okd.test,198.18.0.10",
		"address=/apps.demo.okd.test/198.18.0.11",
		"address=/apps.second.okd.test/198.18.0.13",
		"dhcp-range=198.18.0.100,198.18.0.199,255.255.255.0,12h",
		"dhcp-leasefile=" + dir + "/dnsmasq.leases",
		"no-resolv",
	} {
		if !strings.Contains(string(conf), want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
	if strings.Contains(string(conf), "api-int") {
		t.Error("an operator's DNS has no api-int: nodes bring their own")
	}
	if err := os.Mkdir(filepath.Join(dir, DropInDir), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "dnsmasq.conf")
	if err := os.WriteFile(path, conf, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "dnsmasq", "--test", "--conf-file="+path).CombinedOutput()
	if err != nil {
		t.Errorf("dnsmasq refuses it: %v: %s", err, out)
	}
}

func TestAddressPlan(t *testing.T) {
	benchmark := netip.MustParsePrefix("198.18.0.0/15")
	nets := []netip.Prefix{MachineNetwork, PodNetwork, ServiceNetwork}
	for i, n := range nets {
		if !benchmark.Contains(n.Addr()) || n.Bits() < benchmark.Bits() {
			t.Errorf("%s is not in %s", n, benchmark)
		}
		for _, other := range nets[i+1:] {
			if n.Overlaps(other) {
				t.Errorf("%s overlaps %s", n, other)
			}
		}
	}
	used := map[netip.Addr]string{Gateway: "gateway", Registry: "registry", Engine: "engine", Provisioner: "provisioner"}
	for i, h := range Hosts {
		used[h] = HostName(i)
	}
	for _, c := range Clusters() {
		for _, vip := range []netip.Addr{c.API, c.Ingress} {
			if who, taken := used[vip]; taken {
				t.Errorf("%s of %s is the %s's", vip, c.Name, who)
			}
			used[vip] = c.Name
			if !MachineNetwork.Contains(vip) || !vip.Less(poolFirst) {
				t.Errorf("%s is in the DHCP pool or outside of the network", vip)
			}
		}
	}
}

func TestBMCAddresses(t *testing.T) {
	list := BMCs()
	if len(list) != 50 {
		t.Errorf("%d addresses", len(list))
	}
	for _, a := range list {
		if !MachineNetwork.Contains(a) || !poolLast.Less(a) {
			t.Errorf("%s is in the DHCP pool or outside of the network", a)
		}
	}
}

func TestInterfaceNamesFit(t *testing.T) {
	for _, id := range []string{"prov", "17200505-bccb-4f68-aaf6-00081fef0d6a"} {
		if p := port(id, 9); len(p) > 15 {
			t.Errorf("interface name %s has %d characters", p, len(p))
		}
	}
}
