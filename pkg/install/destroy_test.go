package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
)

// remembering is an application whose directory has what an earlier run left.
// Empty ids leave the respective file out.
func remembering(t *testing.T, metadata, state, destroyed string) *App {
	t.Helper()
	a := &App{Dir: t.TempDir(), Clock: clock.NewFake(t0), Sink: event.Discard, Command: "destroy cluster", Getenv: func(string) string { return "" }}
	write := func(name string, v any) {
		data, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(a.path(name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if metadata != "" {
		write(metadataFile, assets.Metadata{ClusterName: "demo", InfraID: metadata, Platform: "ovirt", PlatformData: []byte("{}")})
	}
	if state != "" {
		write(asset.StateName, map[string]any{"okdInstallState": 1, "assets": map[string]any{
			assets.ClusterMetadata.Name(): map[string]any{"value": assets.Metadata{ClusterName: "demo", InfraID: state}},
		}})
	}
	if destroyed != "" {
		err := a.journaled(func(j *phase.Journal) error {
			j.Note(phase.Note{Time: t0, Message: phase.NoteDestroyed + destroyed})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
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
			a := remembering(t, tt.metadata, tt.state, tt.destroyed)
			got, err := a.identify(tt.flag)
			if tt.want == "" {
				if err == nil || !strings.Contains(NextStep(err), "--infra-id") {
					t.Errorf("error %v, next step %q", err, NextStep(err))
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
	a := remembering(t, "", "state-1", "")
	if err := os.WriteFile(a.path(metadataFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.identify(""); err == nil || !strings.Contains(err.Error(), "--infra-id") {
		t.Errorf("error %v", err)
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
		if got := remembering(t, tt.metadata, tt.state, "").describes("demo-1", nil); got != tt.want {
			t.Errorf("metadata %q, state %q: %v", tt.metadata, tt.state, got)
		}
	}
}

func TestRemaining(t *testing.T) {
	broken := errors.New("broken")
	left := []plan.Ref{{Kind: plan.KindVM, Name: "demo-master-0", ID: "1"}, {Kind: plan.KindTag, Name: "demo"}}
	tests := []struct {
		name string
		left []plan.Ref
		err  error
		want string
	}{
		{"all gone", nil, nil, ""},
		{"cannot look", nil, broken, "broken"},
		{"something stays", left, nil, "2 objects are still there: vm demo-master-0, tag demo"},
		{"something stays, and why", left[:1], broken, "1 object is still there: vm demo-master-0: broken"},
	}
	for _, tt := range tests {
		got := remaining(tt.left, tt.err)
		if text := fmt.Sprint(got); tt.want == "" && got != nil || tt.want != "" && text != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
		if tt.err != nil && !errors.Is(got, tt.err) {
			t.Errorf("%s: lost the cause", tt.name)
		}
	}
}

func TestLeftovers(t *testing.T) {
	tests := []struct {
		name     string
		doing    undertaking
		metadata string
		left     []string
		want     []string
		not      string
	}{
		{"waiting", looking, "demo-1", nil, []string{"Run the same command again"}, "destroy cluster"},
		{"before anything", creating, "", nil, []string{"before anything was created"}, "Remove"},
		{"creating", creating, "demo-1", []string{"vm demo-1-master-0", "tag demo-1"},
			[]string{"Cluster demo-1 is left as it is", "Left:    vm demo-1-master-0, tag demo-1", "Go on:   okd-install create cluster --dir ", "Remove:  okd-install destroy cluster --dir "}, ""},
		{"destroying", destroying, "demo-1", nil, []string{"Go on:   okd-install destroy cluster"}, "create cluster"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := remembering(t, tt.metadata, "", "")
			a.doing, a.left = tt.doing, tt.left
			text := strings.Join(a.Leftovers(), "\n")
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if tt.not != "" && strings.Contains(text, tt.not) {
				t.Errorf("%q in\n%s", tt.not, text)
			}
		})
	}
}
