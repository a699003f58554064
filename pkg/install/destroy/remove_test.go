package destroy

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
)

// hosts is a provider of three hosts.
type hosts struct {
	machines.Booter
	fetch       machines.Fetch
	did         []string
	stays       string // a host that cannot be switched off
	unwiped     error
	dir         string
	imageDuring bool // when Wipe was called
	closed      bool
}

func (h *hosts) Written() []agent.WipeHost {
	return []agent.WipeHost{
		{Name: "a", MACs: []string{"52:54:00:00:00:01"}}, {Name: "b", UUID: "u"}, {Name: "nobody knows"},
	}
}

func (h *hosts) Destroy(_ context.Context, _ string, stage plan.Stage) ([]plan.Ref, error) {
	h.did = append(h.did, "destroy")
	if h.stays != "" {
		return []plan.Ref{{Kind: plan.KindHost, Name: h.stays}}, errors.New(h.stays + " stays on")
	}
	return nil, nil
}

func (h *hosts) Wipe(ctx context.Context, _ string, names []string) ([]plan.Ref, error) {
	h.did = append(h.did, "wipe "+strings.Join(names, ", "))
	image, err := h.fetch(ctx, plan.Image{})
	if err == nil {
		_, err = os.Stat(image.Path)
	}
	h.imageDuring = err == nil
	if h.unwiped != nil {
		return []plan.Ref{{Kind: plan.KindDisk, Name: "of host a"}}, h.unwiped
	}
	return nil, err
}

func (h *hosts) Close(context.Context) error {
	h.closed = true
	return nil
}

func (h *hosts) run(t *testing.T, o Options) error {
	t.Helper()
	e := &install.Env{Dir: h.dir, Sink: event.Discard, Getenv: func(string) string { return "" }}
	return removal{Env: e, options: o, infraID: "demo-x7k2p"}.run(t.Context(),
		func(_ event.Sink, fetch machines.Fetch) machines.Provider {
			h.fetch = fetch
			return h
		})
}

// program is one that hosts could run.
func program(t *testing.T) string {
	t.Helper()
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = 1
	f, err := os.Create(filepath.Join(t.TempDir(), "program"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(binary.Write(f, binary.LittleEndian, header), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// Disks are wiped after their hosts were switched off, and only if that was asked for and can be done.
func TestRemove(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wipe  bool
		image bool // the directory has the image of the installation
		edit  func(*hosts)
		did   []string
		fails []string
	}{
		{name: "not asked", image: true, did: []string{"destroy"}},
		{name: "asked", wipe: true, image: true, did: []string{"destroy", "wipe a, b, nobody knows"}},
		{name: "no image", wipe: true, fails: []string{"find a live ISO"}},
		{name: "a host that stays on", wipe: true, image: true, edit: func(h *hosts) { h.stays = "b" },
			did: []string{"destroy", "wipe a, nobody knows"}, fails: []string{"host b", "b stays on"}},
		{name: "a disk that is not wiped", wipe: true, image: true,
			edit: func(h *hosts) { h.unwiped = errors.New("it refuses") },
			did:  []string{"destroy", "wipe a, b, nobody knows"}, fails: []string{"disk of host a", "it refuses"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &hosts{dir: t.TempDir()}
			if tt.edit != nil {
				tt.edit(h)
			}
			if tt.image {
				if err := isotest.Write(filepath.Join(h.dir, "agent.x86_64.iso"), isotest.Layout{}); err != nil {
					t.Fatal(err)
				}
			}
			err := h.run(t, Options{WipeDisks: tt.wipe, Program: program(t)})
			if (err == nil) != (tt.fails == nil) || err != nil && exit.Next(err) == "" {
				t.Errorf("%v", err)
			}
			for _, want := range tt.fails {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
			if !slices.Equal(h.did, tt.did) {
				t.Errorf("did %q, want %q", h.did, tt.did)
			}
			if wiped := len(h.did) > 1; wiped != h.imageDuring || !h.closed {
				t.Errorf("the image was there: %v; sessions closed: %v", h.imageDuring, h.closed)
			}
			if left, err := filepath.Glob(filepath.Join(h.dir, "*wipe*")); err != nil || len(left) > 0 {
				t.Errorf("left %q, %v", left, err)
			}
		})
	}
}
