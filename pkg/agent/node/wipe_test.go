package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
)

// programs notes what is run.
type programs struct{ ran []string }

func (p *programs) Run(_ context.Context, _ func(disk.Line), name string, args ...string) error {
	p.ran = append(p.ran, strings.Join(append([]string{name}, args...), " "))
	return nil
}

// A host goes off only when the disk that was installed to is empty; other disks stay as they are in any case.
func TestWipe(t *testing.T) {
	const size = 8 << 20
	for _, tt := range []struct {
		name, want string
		recorded   string // content of the recorded disk
		edit       func(w *agent.Wipe)
	}{
		{name: "nothing is left"},
		{name: "something of somebody else", recorded: "somebody's data", want: "nothing was erased"},
		{name: "another host", want: "none of the 1 of cluster demo-x7k2p", edit: func(w *agent.Wipe) {
			w.Hosts[0].MACs = []string{"52:54:00:00:00:99"}
		}},
		{name: "another disk", want: "is not in host master-0", edit: func(w *agent.Wipe) { w.Hosts[0].Disk.Serial = "S9" }},
		{name: "no record", want: "not recorded", edit: func(w *agent.Wipe) { w.Hosts[0].Disk = nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := func(name, text string) agent.Disk {
				b := make([]byte, size)
				copy(b[4096:], text)
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				return agent.Disk{Name: name, Path: path, Serial: "S-" + name, SizeBytes: size}
			}
			inv := agent.Inventory{
				NICs:  []agent.NIC{{MAC: "52:54:00:00:00:01", Physical: true}},
				Disks: []agent.Disk{file("sda", tt.recorded), file("sdb", "keep me")},
			}
			other, err := os.ReadFile(inv.Disks[1].Path)
			if err != nil {
				t.Fatal(err)
			}
			id := inv.Disks[0].Identity()
			w := agent.Wipe{InfraID: "demo-x7k2p", Hosts: []agent.WipeHost{{
				Name: "master-0", MACs: []string{"52:54:00:00:00:01"}, Disk: &id,
			}}}
			if tt.edit != nil {
				tt.edit(&w)
			}
			run := &programs{}
			err = Wipe(t.Context(), Wiping{What: &w, Runner: run, Log: slog.New(slog.DiscardHandler),
				Inventory: func(context.Context) (agent.Inventory, error) { return inv, nil }})
			off := strings.Contains(strings.Join(run.ran, "\n"), "poweroff")
			if tt.want == "" {
				if err != nil || !off {
					t.Errorf("%v; ran %q", err, run.ran)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) || off {
				t.Errorf("%v; ran %q", err, run.ran)
			}
			if tt.recorded != "" && !errors.Is(err, disk.ErrForeign) {
				t.Errorf("%v", err)
			}
			if after, err := os.ReadFile(inv.Disks[1].Path); err != nil || !bytes.Equal(after, other) {
				t.Errorf("the other disk was changed, %v", err)
			}
		})
	}
}
