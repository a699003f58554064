package center

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// inRack are hosts with BMCs of a vendor.
func inRack(profile string, names ...string) []daemon.Host {
	var rack []daemon.Host
	for i, name := range names {
		h := daemon.Host{MACs: []string{fmt.Sprintf("52:54:00:aa:00:%02x", i)}}
		h.Name = name
		h.BMC = &daemon.BMC{BMC: host.BMC{
			Profile: profile, Address: netip.AddrFrom4([4]byte{198, 18, 0, byte(200 + i)}), User: "root", Password: "pa55",
		}}
		rack = append(rack, h)
	}
	return rack
}

// What the lab prints about hosts with BMCs installs them without further files.
func TestInstallConfigOfHosts(t *testing.T) {
	size := ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3, Workers: 1}
	names := []string{"master-0", "master-1", "master-2", "worker-0"}
	for _, profile := range []string{"idrac9", "ilo6", "openbmc"} {
		text, err := InstallConfig(prepared(t), daemon.Objects{}, inRack(profile, names...), size)
		if err != nil {
			t.Fatal(err)
		}
		for _, registering := range []bool{false, true} {
			options := types.Options{Platforms: platforms.All().Kinds(), Agent: registering}
			config, found := options.Load("install-config.yaml", text)
			if config == nil || len(found.Lines(true)) > 0 {
				t.Fatalf("%v %v\n%s", found.Err(), found.Lines(true), text)
			}
			inventory, found := agent.NewInventory(config, nil)
			if found.Err() != nil || len(found.Lines(true)) > 0 {
				t.Fatalf("%v %v", found.Err(), found.Lines(true))
			}
			if len(inventory.Hosts) != 4 || inventory.RendezvousIP.String() != "198.18.0.20" {
				t.Errorf("%+v", inventory)
			}
		}
		for line := range strings.Lines(string(text)) {
			if address, is := strings.CutPrefix(strings.TrimSpace(line), "address: "); is {
				if _, err := redfish.Parse(address); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestInstallConfigOfSomeHosts(t *testing.T) {
	size := ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3}
	rack := inRack("ilo5", "master-0", "master-1", "worker-0")
	_, err := InstallConfig(prepared(t), daemon.Objects{}, rack, size)
	if err == nil || !strings.Contains(err.Error(), "hosts master-2 are not in the rack") {
		t.Error(err)
	}
	// Hosts of another cluster, or without BMCs, are booted by hand.
	rack[0].BMC, rack[1].BMC = nil, nil
	text, err := InstallConfig(prepared(t), daemon.Objects{}, rack, size)
	if err != nil || strings.Contains(string(text), "bmc") {
		t.Errorf("%v\n%s", err, text)
	}
}
