package metal

import (
	"errors"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

func TestProvisioning(t *testing.T) {
	good := provisioningSpec{
		Network: managed, IP: "172.22.0.3", CIDR: "172.22.0.0/24", DHCPRange: "172.22.0.10,172.22.0.254",
	}
	for _, tt := range []struct {
		name string
		edit func(*provisioningSpec)
		want string
	}{
		{"managed", func(*provisioningSpec) {}, ""},
		{"by default", func(s *provisioningSpec) { s.Network = "" }, ""},
		{"disabled", func(s *provisioningSpec) { *s = provisioningSpec{Network: disabled} }, ""},
		{"disabled with an address", func(s *provisioningSpec) {
			*s = provisioningSpec{Network: disabled, IP: "192.0.2.1"}
		}, ""},
		{"disabled with a wrong one", func(s *provisioningSpec) {
			*s = provisioningSpec{Network: disabled, IP: "x"}
		}, "provisioningIP"},
		{"unmanaged", func(s *provisioningSpec) { s.Network, s.DHCPRange = unmanaged, "" }, ""},
		{"unknown", func(s *provisioningSpec) { s.Network = "Sometimes" }, "none of"},
		{"no range", func(s *provisioningSpec) { s.DHCPRange = "" }, "required"},
		{"range outside", func(s *provisioningSpec) { s.DHCPRange = "192.0.2.1,192.0.2.9" }, "is not in"},
		{"half a range", func(s *provisioningSpec) { s.DHCPRange = "172.22.0.10" }, "not two addresses"},
		{"address in the range", func(s *provisioningSpec) { s.IP = "172.22.0.20" }, "is in provisioningDHCPRange"},
		{"address outside", func(s *provisioningSpec) { s.IP = "192.0.2.3" }, "is not in"},
		{"no network", func(s *provisioningSpec) { s.CIDR = "172.22.0.0" }, "is no network"},
		{"wide IPv6", func(s *provisioningSpec) {
			s.CIDR, s.IP, s.DHCPRange = "fd00::/48", "fd00::3", "fd00::a,fd00::ff"
		}, "larger than /64"},
		{"gateway", func(s *provisioningSpec) { s.Gateway = "172.22.0.1" }, ""},
		{"gateway elsewhere", func(s *provisioningSpec) { s.Gateway = "192.0.2.1" }, "Gateway"},
		{"gateway without DHCP", func(s *provisioningSpec) { s.Network, s.Gateway = unmanaged, "172.22.0.1" }, "Gateway"},
		{"image", func(s *provisioningSpec) {
			s.OSDownloadURL = "https://a.test/x.qcow2.gz?sha256=" + strings.Repeat("a", 64)
		}, ""},
		{"image without a sum", func(s *provisioningSpec) { s.OSDownloadURL = "https://a.test/x.qcow2.gz" }, "sha256"},
		{"image of another kind", func(s *provisioningSpec) {
			s.OSDownloadURL = "https://a.test/x.iso?sha256=" + strings.Repeat("a", 64)
		}, "qcow2"},
	} {
		s := good
		tt.edit(&s)
		err := s.check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestRedfishAt(t *testing.T) {
	for address, want := range map[string]endpoint{
		"redfish-virtualmedia://198.18.0.200/redfish/v1/Systems/1":     {"https://198.18.0.200", "redfish/v1/Systems/1"},
		"redfish-virtualmedia+http://198.18.0.200:8000/redfish/v1/S/1": {"http://198.18.0.200:8000", "redfish/v1/S/1"},
		"idrac-virtualmedia+https://[fd00::1]/redfish/v1/Systems/S":    {"https://[fd00::1]", "redfish/v1/Systems/S"},
		"redfish-virtualmedia://bmc.test":                              {"https://bmc.test", ""},
		"ipmi://198.18.0.200":                                          {},
		"nonsense://198.18.0.200":                                      {},
	} {
		got, err := redfishAt(address)
		if got != want || (err == nil) != (want.url != "") {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
}

// TestAsk asks the lab's controllers over HTTPS.
func TestAsk(t *testing.T) {
	for _, profile := range vendor.Names() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			s := bmctest.Serve(t, profile, func(c *bmc.Config) { c.Clock = bmctest.Fast() })
			at, l := endpoint{url: s.URL}, login{bmctest.User, bmctest.Password}
			if on, err := ask(t.Context(), at, l, false, s.CA); on || err != nil {
				t.Errorf("off: %t, %v", on, err)
			}
			if err := s.Host.On(t.Context()); err != nil {
				t.Fatal(err)
			}
			if on, err := ask(t.Context(), at, l, true, nil); !on || err != nil {
				t.Errorf("on: %t, %v", on, err)
			}
			if _, err := ask(t.Context(), at, login{bmctest.User, "wrong"}, false, s.CA); !errors.Is(err, errRefused) {
				t.Errorf("wrong login: %v", err)
			}
			if _, err := ask(t.Context(), at, l, false, nil); err == nil || errors.Is(err, errRefused) {
				t.Errorf("unknown authority: %v", err)
			}
			at.system = "redfish/v1/Systems/nobody"
			if _, err := ask(t.Context(), at, l, false, s.CA); err == nil || !strings.Contains(err.Error(), "404") {
				t.Errorf("another system: %v", err)
			}
		})
	}
}

func FuzzStatusOf(f *testing.F) {
	f.Add(hardware)
	f.Add(`{"operationalStatus":"OK","errorType":"registration error"}`)
	f.Add(`{"operationalStatus":"red"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := statusOf(text); (s == nil) == (err == nil) {
			t.Errorf("%v, %v", s, err)
		}
	})
}

func FuzzRedfishAt(f *testing.F) {
	f.Add("redfish-virtualmedia+https://198.18.0.200/redfish/v1/Systems/1")
	f.Add("198.18.0.200:623")
	f.Fuzz(func(t *testing.T, address string) {
		if at, err := redfishAt(address); err == nil && !strings.HasPrefix(at.url, "http") {
			t.Errorf("%q: %+v", address, at)
		}
	})
}

func FuzzProvisioning(f *testing.F) {
	f.Add("Managed", "172.22.0.3", "172.22.0.0/24", "172.22.0.1", "172.22.0.10,172.22.0.254", "")
	f.Fuzz(func(t *testing.T, network, ip, cidr, gateway, dhcp, image string) {
		s := provisioningSpec{Network: network, IP: ip, CIDR: cidr, Gateway: gateway, DHCPRange: dhcp, OSDownloadURL: image}
		if err := s.check(); err == nil && s.mode() == managed && (ip == "" || cidr == "" || dhcp == "") {
			t.Errorf("accepted %+v", s)
		}
	})
}
