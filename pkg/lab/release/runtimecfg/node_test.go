package runtimecfg

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFindLocal(t *testing.T) {
	net := func(name, prefix string) Net { return Net{name, netip.MustParsePrefix(prefix)} }
	for _, c := range []struct {
		name string
		nets []Net
		want Local
	}{
		{"one address", []Net{net("host0", "198.18.0.101/24")}, Local{"host0", "198.18.0.101"}},
		{"the VIP itself does not count", []Net{net("host0", "198.18.0.10/32"), net("host0", "198.18.0.101/24")},
			Local{"host0", "198.18.0.101"}},
		{"another network first", []Net{net("cni0", "198.19.0.1/24"), net("eth1", "198.18.0.7/25")},
			Local{"eth1", "198.18.0.7"}},
		{"IPv6 is passed over", []Net{net("host0", "fe80::1/64"), net("host0", "198.18.0.101/24")},
			Local{"host0", "198.18.0.101"}},
		{"not yet", []Net{net("cni0", "198.19.0.1/24")}, Local{}},
	} {
		got, err := FindLocal("198.18.0.10", c.nets)
		if got != c.want || (err == nil) != (c.want != Local{}) {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestCompute(t *testing.T) {
	masters := []Host{{"c", "198.18.0.3", true}, {"a", "198.18.0.1", true}, {"b", "198.18.0.2", true}}
	worker := Host{"w", "198.18.0.4", false}
	for _, c := range []struct {
		name         string
		role, own    string
		serving      bool
		hosts        []Host
		api, ingress VRRP
	}{
		{"bootstrap alone", "bootstrap", "198.18.0.9", false, nil, VRRP{true, []string{"198.18.0.11"}}, VRRP{}},
		{"bootstrap with masters", "bootstrap", "198.18.0.9", false, masters,
			VRRP{true, []string{"198.18.0.1", "198.18.0.2", "198.18.0.3"}}, VRRP{}},
		{"first master", "master", "198.18.0.1", true, masters[1:2], VRRP{false, []string{}}, VRRP{false, []string{}}},
		{"master without an API", "master", "198.18.0.1", false, masters,
			VRRP{false, []string{"198.18.0.2", "198.18.0.3"}}, VRRP{true, []string{"198.18.0.2", "198.18.0.3"}}},
		{"master", "master", "198.18.0.2", true, append(masters, worker),
			VRRP{true, []string{"198.18.0.1", "198.18.0.3"}},
			VRRP{true, []string{"198.18.0.1", "198.18.0.3", "198.18.0.4"}}},
		{"master beside an arbiter", "master", "198.18.0.1", true, append(masters[1:2:2], worker),
			VRRP{true, []string{"198.18.0.4"}}, VRRP{true, []string{"198.18.0.4"}}},
		{"master beside an arbiter, without an API", "master", "198.18.0.1", false, append(masters[1:2:2], worker),
			VRRP{false, []string{"198.18.0.4"}}, VRRP{true, []string{"198.18.0.4"}}},
		{"arbiter", "arbiter", "198.18.0.4", true, append(masters[1:2:2], worker), VRRP{},
			VRRP{true, []string{"198.18.0.1"}}},
		{"the fifth master", "master", "198.18.0.6", true, append(masters[:3:3], Host{"e", "198.18.0.6", true},
			Host{"d", "198.18.0.5", true}),
			VRRP{true, []string{"198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.5"}},
			VRRP{true, []string{"198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.5"}}},
		{"worker", "worker", "198.18.0.4", true, append(masters, worker), VRRP{},
			VRRP{true, []string{"198.18.0.1", "198.18.0.2", "198.18.0.3"}}},
		{"worker that cannot ask", "worker", "198.18.0.4", false, nil, VRRP{}, VRRP{false, []string{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Compute(Facts{
				Cluster: Cluster{IngressVIP: "198.18.0.11"}, Role: c.role,
				Local: Local{"host0", c.own}, Hosts: c.hosts, Serving: c.serving,
			})
			if got.API.Enabled != c.api.Enabled || !slices.Equal(got.API.Peers, c.api.Peers) {
				t.Errorf("API %+v, want %+v", got.API, c.api)
			}
			if got.Ingress.Enabled != c.ingress.Enabled || !slices.Equal(got.Ingress.Peers, c.ingress.Peers) {
				t.Errorf("ingress %+v, want %+v", got.Ingress, c.ingress)
			}
		})
	}
}

func TestChecksAddUpAsInOKD(t *testing.T) {
	sum := map[string]int{}
	for _, c := range Checks() {
		sum[c.Name] = c.Weight
	}
	if got := 40 + sum["ocp_lb"] + sum["ocp_both"] + sum["ocp_mcs"]; got != 68 {
		t.Errorf("a master at its best has %d, want 68: less than the bootstrap's 70", got)
	}
	if got := 20 + sum["ingress_ready"] + sum["default_ingress"]; got != 80 {
		t.Errorf("a router node at its best has %d, want 80", got)
	}
}

func TestClusterName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cm.yaml")
	for _, c := range []struct{ text, name, domain string }{
		{"data:\n  install-config: |\n    baseDomain: okd.test\n    metadata: {name: demo}\n", "demo", "demo.okd.test"},
		{"data:\n  install-config: |\n    metadata: {name: demo}\n", "", ""},
		{"data: {}\n", "", ""},
		{"data: [\n", "", ""},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		name, domain, err := clusterName(path)
		if name != c.name || domain != c.domain || (err == nil) != (c.name != "") {
			t.Errorf("%q: %q, %q, %v", c.text, name, domain, err)
		}
	}
}

func FuzzUpstreams(f *testing.F) {
	f.Add([]byte("nameserver 198.18.0.1\nnameserver 127.0.0.1\nsearch x\n"))
	f.Add([]byte("nameserver\nnameserver fe80::1%eth0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, u := range Upstreams(text, "198.18.0.1") {
			a, err := netip.ParseAddr(u)
			if err != nil || a.IsLoopback() || u == "198.18.0.1" {
				t.Errorf("upstream %q", u)
			}
		}
	})
}
