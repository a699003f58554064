package baremetal

import (
	"net/netip"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Everyone who may read ConfigMaps sees what operators read.
func TestClusterConfigHoldsNoLogin(t *testing.T) {
	c := cluster(2, 0, 0, types.MasterPool, types.MasterPool)
	c.Networking = &types.Networking{}
	p := config.Of(c)
	p.APIVIPs = []netip.Addr{netip.MustParseAddr("198.18.0.10")}
	p.Hosts[0].BMC = config.BMC{Username: "root", Password: secret.New("of-the-bmc")}
	text, err := yaml.Marshal(told(c).Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"of-the", "root", "hidden", "hosts"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("holds %q:\n%s", bad, text)
		}
	}
	if !strings.Contains(string(text), "apiVIP: 198.18.0.10") {
		t.Errorf("lacks the old form of apiVIPs:\n%s", text)
	}
	if len(p.Hosts) != 2 {
		t.Error("the original was changed")
	}
}

func TestRecordsOutside(t *testing.T) {
	for records, want := range map[string]any{"": nil, "Internal": "Internal", "External": "External"} {
		c := cluster(3, 0, 2)
		c.Networking = &types.Networking{}
		config.Of(c).DNSRecordsType = records
		if got := told(c).MoreStatus["dnsRecordsType"]; got != want {
			t.Errorf("%q: %v", records, got)
		}
	}
}
