package redfish_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"

	"github.com/okd-install/okd-install/pkg/redfish"
)

func TestParse(t *testing.T) {
	const one = "/redfish/v1/Systems/1"
	tests := []struct{ address, endpoint, system string }{
		{"redfish-virtualmedia://192.168.1.10" + one, "https://192.168.1.10", one},
		{"redfish-virtualmedia+https://192.168.1.10" + one, "https://192.168.1.10", one},
		{"redfish-virtualmedia+http://192.168.1.10" + one, "http://192.168.1.10", one},
		{
			"idrac-virtualmedia://bmc.example.org/redfish/v1/Systems/System.Embedded.1",
			"https://bmc.example.org", "/redfish/v1/Systems/System.Embedded.1",
		},
		{"idrac-virtualmedia+https://10.0.0.1" + one, "https://10.0.0.1", one},
		{"idrac-virtualmedia+http://10.0.0.1" + one, "http://10.0.0.1", one},
		{"ilo5-virtualmedia://10.0.0.1" + one, "https://10.0.0.1", one},
		{"ilo5-virtualmedia+https://10.0.0.1" + one, "https://10.0.0.1", one},
		{"ilo5-virtualmedia+http://10.0.0.1" + one, "http://10.0.0.1", one},
		{"REDFISH-VirtualMedia://10.0.0.1" + one, "https://10.0.0.1", one},
		{"redfish-virtualmedia://10.0.0.1:8443" + one, "https://10.0.0.1:8443", one},
		{"redfish-virtualmedia+http://10.0.0.1:8000" + one, "http://10.0.0.1:8000", one},
		{"redfish-virtualmedia://[fd00::1]" + one, "https://[fd00::1]", one},
		{"redfish-virtualmedia://[fd00::1]:8443" + one, "https://[fd00::1]:8443", one},
		{"redfish-virtualmedia://10.0.0.1" + one + "/", "https://10.0.0.1", one},
		{"redfish-virtualmedia://10.0.0.1", "https://10.0.0.1", ""},
		{"redfish-virtualmedia://10.0.0.1/", "https://10.0.0.1", ""},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1/", "https://10.0.0.1", ""},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1", "https://10.0.0.1", ""},
		{"redfish-virtualmedia:10.0.0.1" + one, "https://10.0.0.1", one},
		{
			"redfish-virtualmedia://h/redfish/v1/Systems/4f0e8c1c-7c3b-4a53-9f0a-1d1c5f0e6b77",
			"https://h", "/redfish/v1/Systems/4f0e8c1c-7c3b-4a53-9f0a-1d1c5f0e6b77",
		},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			a, err := redfish.Parse(tt.address)
			if err != nil {
				t.Fatal(err)
			}
			if a.Endpoint != tt.endpoint || a.System != tt.system {
				t.Errorf("got %q and %q, want %q and %q", a.Endpoint, a.System, tt.endpoint, tt.system)
			}
			sameAsMetal3(t, tt.address, a)
		})
	}
}

// sameAsMetal3 compares with what metal3 would tell its own client.
func sameAsMetal3(t *testing.T, address string, a redfish.Address) {
	t.Helper()
	details, err := bmc.NewAccessDetails(address, false)
	if err != nil {
		t.Fatalf("metal3 refuses it: %v", err)
	}
	info := details.DriverInfo(bmc.Credentials{})
	if got := info["redfish_address"]; got != a.Endpoint {
		t.Errorf("metal3 would go to %v", got)
	}
	id, _ := info["redfish_system_id"].(string)
	u, err := url.Parse(a.System)
	if err != nil {
		t.Fatal(err)
	}
	if id = strings.TrimSuffix(id, "/"); id != u.Path && id != "/redfish/v1" && id != "/redfish" {
		t.Errorf("metal3 would take the system %q", id)
	}
	if !details.SupportsISOPreprovisioningImage() {
		t.Error("metal3 would not boot it from an ISO")
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ address, want string }{
		{"", "no BMC address"},
		{"ipmi://10.0.0.1", "IPMI, which has no virtual media; if its BMC has Redfish with virtual media, write " +
			"redfish-virtualmedia://10.0.0.1/redfish/v1/Systems/1"},
		{"ipmi://10.0.0.1:623", "write redfish-virtualmedia://10.0.0.1/redfish/v1/Systems/1"},
		{"10.0.0.1", "IPMI"},
		{"10.0.0.1:623", "write redfish-virtualmedia://10.0.0.1/redfish"},
		{"bmc.example.org", "IPMI"},
		{"[fd00::1]:623", "write redfish-virtualmedia://[fd00::1]/redfish"},
		{"libvirt://192.168.122.1:6233/", "IPMI"},
		{"redfish://10.0.0.1/redfish/v1/Systems/7", "write redfish-virtualmedia://10.0.0.1/redfish/v1/Systems/7"},
		{"redfish+http://10.0.0.1:8000/redfish/v1/Systems/7", "write redfish-virtualmedia://10.0.0.1:8000/"},
		{"idrac-redfish://10.0.0.1", "write idrac-virtualmedia://10.0.0.1/redfish/v1/Systems/System.Embedded.1"},
		{"ilo5-redfish+https://10.0.0.1", "write ilo5-virtualmedia://10.0.0.1/redfish/v1/Systems/1"},
		{"redfish-uefihttp://10.0.0.1", "boots from the network with HTTP"},
		{"ilo4://10.0.0.1", "vendor's own interface"},
		{"ilo4-virtualmedia://10.0.0.1", "vendor's own interface"},
		{"ilo5://10.0.0.1", "write ilo5-virtualmedia://"},
		{"idrac://10.0.0.1", "write idrac-virtualmedia://"},
		{"idrac+http://10.0.0.1", "write idrac-virtualmedia://"},
		{"irmc://10.0.0.1", "vendor's own interface"},
		{"ibmc://10.0.0.1", "vendor's own interface"},
		{"https://10.0.0.1/redfish/v1/Systems/1", "write redfish-virtualmedia+https://10.0.0.1/redfish/v1/Systems/1"},
		{"http://10.0.0.1", "write redfish-virtualmedia+http://"},
		{"foo://10.0.0.1", "unknown scheme foo; this installer supports redfish-virtualmedia, idrac-virtualmedia"},
		{"redfish-virtualmedia+ftp://10.0.0.1", "there must be http or https"},
		{"redfish-virtualmedia+://10.0.0.1", "there must be http or https"},
		{"redfish-virtualmedia://", "no host"},
		{"redfish-virtualmedia:///redfish/v1/Systems/1", "no host"},
		{"redfish-virtualmedia://10.0.0.1:0/", "port"},
		{"redfish-virtualmedia://10.0.0.1:99999/", "port"},
		{"redfish-virtualmedia://10.0.0.1:/", "port"},
		{"redfish-virtualmedia://10.0.0.1:https/", "port"},
		{"redfish-virtualmedia://fd00::1/redfish/v1/Systems/1", ""},
		{"redfish-virtualmedia://bmc_1/", "invalid"},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1/Systems", "add the name"},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1/Systems/1?a=b", "without ?"},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1/Systems/1#x", "without ?"},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1//Systems/1", "empty parts or dots"},
		{"redfish-virtualmedia://10.0.0.1/redfish/v1/../Systems/1", "empty parts or dots"},
		{"redfish-virtualmedia://root:calvin@10.0.0.1/", "login"},
		{"redfish-virtualmedia://10.0.0.1/" + strings.Repeat("x", 3000), "characters"},
		{"redfish-virtualmedia://10.0.0.1/\x7f", "is invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			a, err := redfish.Parse(tt.address)
			if err == nil {
				t.Fatalf("accepted as %+v", a)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "calvin") {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"redfish-virtualmedia://[fd00::1]:8443/redfish/v1/Systems/1", "10.0.0.1:623", "ipmi://h", "idrac-virtualmedia:h",
		"redfish-virtualmedia+http://h/a%2fb", "a:b@c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := redfish.Parse(s)
		if err != nil {
			return
		}
		u, err := url.Parse(a.Endpoint)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" {
			t.Fatalf("%q: endpoint %q", s, a.Endpoint)
		}
		if a.System != "" && !strings.HasPrefix(a.System, "/") {
			t.Fatalf("%q: system %q", s, a.System)
		}
		again, err := redfish.Parse(a.String())
		if err != nil || again != a {
			t.Fatalf("%q is %+v, and %q is %+v, %v", s, a, a.String(), again, err)
		}
	})
}
