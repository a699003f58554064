package daemon

import (
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

func TestNames(t *testing.T) {
	n := &names{site: site.Site{Dir: t.TempDir()}}
	if err := os.Mkdir(n.dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	conf, err := network.Dnsmasq(n.site.Dir, network.Clusters())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.conf(), conf, 0o644); err != nil {
		t.Fatal(err)
	}
	const good = "host-record=api.upi.okd.test,198.18.0.9\n"
	if err := n.set(t.Context(), "upi", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, conf := range map[string]string{
		"upi":   "no-such-option\n",
		"other": "host-record=\n",
		"../up": good,
		"":      good,
	} {
		if err := n.set(t.Context(), name, []byte(conf)); err == nil {
			t.Errorf("settings %q named %q are accepted", conf, name)
		}
	}
	if list, err := n.list(); err != nil || strings.Join(list, " ") != "upi" {
		t.Errorf("there are %v, %v", list, err)
	}
	if kept, err := os.ReadFile(n.dir() + "/upi.conf"); err != nil || string(kept) != good {
		t.Errorf("refused settings replaced those before: %q, %v", kept, err)
	}
	if err := n.remove("other"); err == nil {
		t.Error("settings that there are not can be removed")
	}
	if err := n.remove("upi"); err != nil {
		t.Error(err)
	}
}

func TestNewMachine(t *testing.T) {
	good := NewMachine{Name: "master-0", CPUs: 4, MemoryMB: 1024, DiskGB: 10, MAC: "52:54:00:AB:00:01"}
	for _, c := range []struct {
		what   string
		change func(*NewMachine)
		says   string
	}{
		{"good", func(*NewMachine) {}, ""},
		{"no MAC address", func(n *NewMachine) { n.MAC = "" }, ""},
		{"a name for a file", func(n *NewMachine) { n.Name = "../x" }, "machine name"},
		{"no memory", func(n *NewMachine) { n.MemoryMB = 0 }, "memory"},
		{"live and bare", func(n *NewMachine) { n.Live, n.Bare = true, true }, "would not be a node"},
		{"no disk", func(n *NewMachine) { n.DiskGB = -1 }, "disk"},
		{"a group's address", func(n *NewMachine) { n.MAC = "01:00:5e:00:00:01" }, "MAC address"},
		{"nonsense", func(n *NewMachine) { n.MAC = "x" }, "MAC address"},
		{"InfiniBand", func(n *NewMachine) { n.MAC = "00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01" },
			"MAC address"},
	} {
		n := good
		c.change(&n)
		err := n.check()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
		if err == nil && (len(n.MAC) != 17 || n.MAC != strings.ToLower(n.MAC)) {
			t.Errorf("%s: address %s", c.what, n.MAC)
		}
	}
	a, b := good, good
	a.MAC, b.MAC, b.Name = "", "", "master-1"
	if a.check() != nil || b.check() != nil || a.MAC == b.MAC {
		t.Errorf("two machines have the address %s", a.MAC)
	}
}
