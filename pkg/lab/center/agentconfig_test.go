package center

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// The installer takes both files without a warning.
func TestAgentConfig(t *testing.T) {
	size := ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3, Workers: 2}
	text, err := InstallConfig(prepared(t), daemon.Objects{}, size)
	if err != nil {
		t.Fatal(err)
	}
	install, found := types.Options{Platforms: platforms.All().Kinds(), Agent: true}.Load("install-config.yaml", text)
	if install == nil || len(found.Lines(true)) > 0 {
		t.Fatalf("%v %v\n%s", found.Err(), found.Lines(true), text)
	}
	if text, err = AgentConfig(size); err != nil {
		t.Fatal(err)
	}
	config, found := agent.Load(agent.File, text)
	if config == nil || len(found.Lines(true)) > 0 {
		t.Fatalf("%v %v\n%s", found.Err(), found.Lines(true), text)
	}
	inventory, found := agent.NewInventory(install, config)
	if found.Err() != nil || len(found.Lines(true)) > 0 {
		t.Errorf("%v %v", found.Err(), found.Lines(true))
	}
	if len(inventory.Hosts) != 5 || inventory.RendezvousIP.String() != "198.18.0.20" {
		t.Errorf("%+v", inventory)
	}
	for _, size := range []ClusterSize{{}, {Masters: 3, Workers: 78}, {Masters: 3, Workers: -1}} {
		if _, err := AgentConfig(size); err == nil {
			t.Errorf("%+v is accepted", size)
		}
	}
}
