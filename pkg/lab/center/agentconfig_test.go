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
	for count, size := range map[int]ClusterSize{
		5: {Name: "demo", Platform: "baremetal", Masters: 3, Workers: 2},
		4: {Name: "demo", Platform: "baremetal", Masters: 2, Arbiters: 1, Workers: 1},
		1: {Name: "sno", Platform: "none", Masters: 1},
	} {
		accepted(t, size, count)
	}
	for _, size := range []ClusterSize{
		{}, {Masters: 3, Workers: 78}, {Masters: 3, Workers: -1}, {Masters: 2, Arbiters: -1},
	} {
		if _, err := AgentConfig(size); err == nil {
			t.Errorf("%+v is accepted", size)
		}
	}
}

func accepted(t *testing.T, size ClusterSize, count int) {
	t.Helper()
	text, err := InstallConfig(prepared(t), daemon.Objects{}, nil, size)
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
	if len(inventory.Hosts) != count || inventory.RendezvousIP.String() != "198.18.0.20" {
		t.Errorf("%+v", inventory)
	}
}
