package install

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/platforms"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// remembering is an environment whose directory has what an earlier run left.
// Empty ids leave the respective file out.
func remembering(t *testing.T, metadata, state, destroyed string) *Env {
	t.Helper()
	e := &Env{
		Dir: t.TempDir(), Clock: clock.NewFake(t0), Sink: event.Discard, Command: "destroy cluster",
		Getenv:    func(string) string { return "" },
		Platforms: platforms.All(),
	}
	write := func(name string, v any) {
		data, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(e.Path(name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if metadata != "" {
		write(MetadataFile, assets.Metadata{ClusterName: "demo", InfraID: metadata,
			Platform: "ovirt", PlatformData: []byte("{}")})
	}
	if state != "" {
		write(asset.StateName, map[string]any{"okdInstallState": 1, "assets": map[string]any{
			assets.ClusterMetadata.Name(): map[string]any{"value": assets.Metadata{ClusterName: "demo",
				InfraID: state}},
		}})
	}
	if destroyed != "" {
		j := e.Journal()
		j.About(phase.Cluster{InfraID: destroyed})
		j.Destroyed()
		j.End(t0, nil)
	}
	return e
}

func TestIdentify(t *testing.T) {
	tests := []struct {
		name                             string
		flag, metadata, state, destroyed string
		want                             string
	}{
		{"metadata.json", "", "meta-1", "state-1", "gone-1", "meta-1"},
		{"metadata.json deleted", "", "", "state-1", "gone-1", "state-1"},
		{"only the journal knows", "", "", "", "gone-1", "gone-1"},
		{"the flag wins", "flag-1", "meta-1", "state-1", "gone-1", "flag-1"},
		{"the flag alone", "flag-1", "", "", "", "flag-1"},
		{"the flag agrees", "meta-1", "meta-1", "", "", "meta-1"},
		{"nothing", "", "", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := remembering(t, tt.metadata, tt.state, tt.destroyed)
			got, err := e.Identify(tt.flag)
			if tt.want == "" {
				if err == nil || !strings.Contains(exit.Next(err), "--infra-id") {
					t.Errorf("error %v, next step %q", err, exit.Next(err))
				}
				return
			}
			if err != nil || got.InfraID != tt.want {
				t.Errorf("got %q, %v", got.InfraID, err)
			}
		})
	}
}

func TestIdentifyBrokenMetadata(t *testing.T) {
	e := remembering(t, "", "state-1", "")
	if err := os.WriteFile(e.Path(MetadataFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Identify(""); err == nil || !strings.Contains(exit.Next(err), "--infra-id") {
		t.Errorf("error %v, next step %q", err, exit.Next(err))
	}
	if got, err := e.Identify("demo-1"); err != nil || got.InfraID != "demo-1" {
		t.Errorf("as told: %+v, %v", got, err)
	}
}

func TestDescribes(t *testing.T) {
	tests := []struct {
		metadata, state string
		want            bool
	}{
		{"demo-1", "demo-1", true},
		{"demo-1", "", true},
		{"", "demo-1", true},
		{"other-1", "", false},
		{"other-1", "demo-1", false},
		{"", "other-1", false},
		{"", "", false},
	}
	for _, tt := range tests {
		if got := remembering(t, tt.metadata, tt.state, "").Describes("demo-1", nil); got != tt.want {
			t.Errorf("metadata %q, state %q: %v", tt.metadata, tt.state, got)
		}
	}
}

// Where a cluster is, is in the journal; older versions left it to what else they
// wrote.
func TestIdentifyThePlatform(t *testing.T) {
	meta := assets.Metadata{ClusterName: "demo", ClusterID: "1", InfraID: "demo-1"}
	ovirt, baremetal := meta, meta
	ovirt.Platform, baremetal.Platform = "ovirt", "baremetal"
	ovirt.PlatformData, baremetal.PlatformData = []byte("{}"), []byte("{}")
	tests := []struct {
		name    string
		journal string // its runs
		meta    *assets.Metadata
		flag    string
		want    phase.Cluster
	}{
		{"a new journal", `{"cluster":{"infraID":"demo-1","platform":"toy"}}`, &ovirt, "",
			phase.Cluster{InfraID: "demo-1", Platform: "toy"}},
		{"another cluster's journal", `{"cluster":{"infraID":"demo-0","platform":"toy"}}`, &ovirt, "",
			phase.Cluster{InfraID: "demo-1", Platform: "ovirt"}},
		{"older: on oVirt", "", &ovirt, "", phase.Cluster{InfraID: "demo-1", Platform: "ovirt"}},
		{"older: on bare metal", "", &baremetal, "", phase.Cluster{InfraID: "demo-1", Platform: "baremetal"}},
		{"older: machines of the user", "", &meta, "", phase.Cluster{InfraID: "demo-1", Platform: "none"}},
		{"an id alone", "", nil, "demo-1", phase.Cluster{InfraID: "demo-1", Platform: "ovirt"}},
		{"an id of another directory", "", &meta, "demo-2", phase.Cluster{InfraID: "demo-2", Platform: "ovirt"}},
		{"destroyed", `{"cluster":{"infraID":"demo-1","platform":"none"},"destroyed":true}`, nil, "",
			phase.Cluster{InfraID: "demo-1", Platform: "none"}},
		{"older: destroyed", `{"notes":[{"time":"2026-01-02T03:04:05Z","message":"destroyed demo-1 on none"}]}`, nil,
			"",
			phase.Cluster{InfraID: "demo-1", Platform: "none"}},
		{"oldest: destroyed", `{"notes":[{"time":"2026-01-02T03:04:05Z","message":"destroyed demo-1"}]}`, nil, "",
			phase.Cluster{InfraID: "demo-1", Platform: "ovirt"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := remembering(t, "", "", "")
			journal := []byte(`{"runs":[` + tt.journal + `]}`)
			if err := os.WriteFile(e.Path(phase.JournalName), journal, 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.meta != nil {
				data, err := json.Marshal(tt.meta)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(e.Path(MetadataFile), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := e.Identify(tt.flag); err != nil || got != tt.want {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}
