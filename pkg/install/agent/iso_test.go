package agent

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// An image whose hosts let go of it differs from others by one kernel argument.
func TestFullInMemory(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "live.iso")
	if err := isotest.Write(from, isotest.Layout{}); err != nil {
		t.Fatal(err)
	}
	kargs := map[string]string{}
	for name, more := range map[string][]string{"plain": nil, "memory": {inMemory}} {
		target := filepath.Join(dir, name+".iso")
		if err := full(t.Context(), from, target, []iso.Part{iso.Bytes("archive")}, more...); err != nil {
			t.Fatal(err)
		}
		err := iso.View(target, func(i *iso.Image) (err error) {
			kargs[name], err = i.Kargs()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(kargs["plain"], inMemory) || kargs["memory"] != kargs["plain"]+" "+inMemory {
		t.Errorf("%q", kargs)
	}
}

// The image that wipes is made of that of the installation, of which it has no secret.
func TestWipeISO(t *testing.T) {
	e := &install.Env{Dir: t.TempDir(), Getenv: func(string) string { return "" }}
	live := filepath.Join(t.TempDir(), "live.iso")
	if err := isotest.Write(live, isotest.Layout{}); err != nil {
		t.Fatal(err)
	}
	o := WipeISO{Program: elfFile(t, elf.EM_X86_64, false), What: agent.Wipe{
		InfraID: "demo-x7k2p", Hosts: []agent.WipeHost{{Name: "master-0", MACs: []string{"52:54:00:00:00:01"}}},
	}}
	if _, err := o.Make(t.Context(), e, event.Discard); err == nil || !strings.Contains(err.Error(), "find a live ISO") {
		t.Errorf("without any image: %v", err)
	}
	secrets := iso.Bytes(strings.Repeat("TOKEN-OF-THE-CLUSTER", 50_000)) // so that the image grows
	if err := full(t.Context(), live, e.Path("agent.x86_64.iso"), []iso.Part{secrets}, inMemory); err != nil {
		t.Fatal(err)
	}
	target, err := o.Make(t.Context(), e, event.Discard)
	if err != nil {
		t.Fatal(err)
	}
	kargs, err := kargsOf(target)
	if err != nil || strings.Count(kargs, inMemory) != 1 {
		t.Errorf("kernel arguments %q, %v", kargs, err)
	}
	b, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); strings.Contains(text, "TOKEN-OF-THE-CLUSTER") || !strings.Contains(text, hookPath) {
		t.Error("it has what the other image had, or lacks what it needs")
	}
	minimal := rootfsElsewhere + "https://example.test/rootfs.img"
	if err := full(t.Context(), live, e.Path("agent.x86_64.iso"), []iso.Part{secrets}, minimal); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Make(t.Context(), e, event.Discard); err == nil || !strings.Contains(err.Error(), "find a live ISO") {
		t.Errorf("with a minimal image: %v", err)
	}
}
