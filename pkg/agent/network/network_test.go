package network

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
)

// image has the network configuration of two hosts.
func image(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	eth := "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n\n[ipv4]\nmethod=manual\naddress1=192.0.2.10/24\n"
	vlan := "[connection]\nid=eth0.100\ntype=vlan\ninterface-name=eth0.100\n\n[vlan]\nid=100\nparent=eth0\n"
	second := "[connection]\nid=eth1\ntype=ethernet\ninterface-name=eth1\n"
	for host, macs := range []string{"52:54:00:aa:bb:0", "52:54:00:aa:bb:1"} {
		files := []keyfile.File{
			{Name: "eth0.nmconnection", Data: []byte(eth)}, {Name: "eth0.100.nmconnection", Data: []byte(vlan)},
			{Name: "eth1.nmconnection", Data: []byte(second)},
		}
		nics := []keyfile.NIC{{Name: "eth0", MAC: macs + "1"}, {Name: "eth1", MAC: macs + "2"}}
		for _, f := range keyfile.Directory(host, nics, files) {
			write(t, filepath.Join(dir, f.Name), string(f.Data))
		}
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list has the profiles of a root, with what is in them.
func list(t *testing.T, root string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "*/NetworkManager/system-connections/*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(p, root)] = string(b)
	}
	return out
}

func TestApply(t *testing.T) {
	root, dir := t.TempDir(), image(t)
	write(t, filepath.Join(root, profiles, "default_connection.nmconnection"), "[connection]\nid=x\n")
	write(t, filepath.Join(root, profiles, "ens9.nmconnection"), "[user]\n"+initrdMark+"\n")
	write(t, filepath.Join(root, profiles, "mine.nmconnection"), "# by hand\n[connection]\nid=mine\n")
	write(t, filepath.Join(root, profiles, "ens3.nmconnection"), "[user]\n"+initrdMark+"\n")
	write(t, filepath.Join(root, made, "default_connection.nmconnection"), "[connection]\nid=x\n")
	cards := map[string]string{"52:54:00:aa:bb:11": "ens3", "52:54:00:aa:bb:12": "ens4"}
	var before map[string]string
	for range 2 { // twice is the same as once
		got, err := Apply(root, dir, cards)
		if err != nil {
			t.Fatal(err)
		}
		files := []string{"ens3.100.nmconnection", "ens3.nmconnection", "ens4.nmconnection"}
		slices.Sort(got.Files)
		if want := (Result{Host: "host1", Files: files}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		now := list(t, root)
		if before != nil && !reflect.DeepEqual(before, now) {
			t.Errorf("the second time there is %v", now)
		}
		before = now
	}
	at := "/" + profiles + "/"
	if len(before) != 4 || before[at+"mine.nmconnection"] == "" ||
		!strings.Contains(before[at+"ens3.100.nmconnection"], "parent=ens3\n") ||
		!strings.Contains(before[at+"ens3.nmconnection"], "address1=192.0.2.10/24") {
		t.Errorf("got %v", before)
	}
	info, err := os.Stat(filepath.Join(root, profiles, "ens3.nmconnection"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A profile of ours stays, even if it is called like one of the initramfs.
func TestApplyKeepsOurs(t *testing.T) {
	root, dir := t.TempDir(), image(t)
	write(t, filepath.Join(dir, "host0/eth1.nmconnection"), "[connection]\nid=default_connection\ntype=ethernet\n")
	got, err := Apply(root, dir, map[string]string{"52:54:00:aa:bb:01": "ens3", "52:54:00:aa:bb:02": "ens4"})
	if err != nil || list(t, root)["/"+profiles+"/default_connection.nmconnection"] == "" {
		t.Errorf("got %+v, %v, %v", got, err, list(t, root))
	}
}

func TestApplyWithoutACard(t *testing.T) {
	root := t.TempDir()
	got, err := Apply(root, image(t), map[string]string{"52:54:00:aa:bb:02": "ens4"})
	if err != nil || got.Host != "host0" || !slices.Equal(got.Files, []string{"ens4.nmconnection"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	said := strings.Join(got.Warnings, "\n")
	if !strings.Contains(said, "52:54:00:aa:bb:01") || !strings.Contains(said, "eth0.100.nmconnection") {
		t.Errorf("said %s", said)
	}
}

// A host that the image has nothing for keeps what it has.
func TestApplyNothing(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, profiles, "default_connection.nmconnection"), "[connection]\n")
	for _, dir := range []string{image(t), filepath.Join(root, "none")} {
		got, err := Apply(root, dir, map[string]string{"52:54:00:00:00:99": "ens3"})
		if err != nil || got.Host != "" || len(list(t, root)) != 1 {
			t.Errorf("got %+v, %v, %v", got, err, list(t, root))
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	both := map[string]string{"52:54:00:aa:bb:01": "ens3", "52:54:00:aa:bb:11": "ens4"}
	one := map[string]string{"52:54:00:aa:bb:01": "ens3", "52:54:00:aa:bb:02": "ens4"}
	for name, c := range map[string]struct {
		cards map[string]string
		file  string // is changed
		text  string
		want  string
	}{
		"cards of two hosts": {both, "", "", "host0 and host1"},
		"broken mapping":     {one, "host1/" + keyfile.MappingFile, "x", "host1: mac_interface.ini:1"},
		"broken profile":     {one, "host0/eth0.nmconnection", "x", "host0"},
		"too large":          {one, "host0/eth0.nmconnection", strings.Repeat("\n", maxFile+1), "more than 1024 KiB"},
		"path for a name": {one, "host0/eth1.nmconnection", "[connection]\nid=../../x\ninterface-name=eth1\n",
			"no file name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, root := image(t), t.TempDir()
			if c.file != "" {
				write(t, filepath.Join(dir, c.file), c.text)
			}
			if _, err := Apply(root, dir, c.cards); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestCards(t *testing.T) {
	got := Cards([]agent.NIC{
		{Name: "bond0", MAC: "a"}, {Name: "eno1", MAC: "a", Physical: true}, {Name: "eno1.5", MAC: "a"},
		{Name: "veth", MAC: "b"},
	})
	if want := map[string]string{"a": "eno1", "b": "veth"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestHostOf(t *testing.T) {
	hosts := []agent.Host{{Hostname: "a", MACs: []string{"52-54-00-AA-BB-01"}}, {MACs: []string{"52:54:00:aa:bb:02"}}}
	got, err := HostOf(hosts, []string{"52:54:00:aa:bb:01", "52:54:00:aa:bb:99"})
	if err != nil || got != &hosts[0] {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err = HostOf(hosts, []string{"52:54:00:aa:bb:99"}); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = HostOf(hosts, []string{"52:54:00:aa:bb:01", "52:54:00:aa:bb:02"})
	if err == nil || !strings.Contains(err.Error(), "a and the one with 52:54:00:aa:bb:02") {
		t.Error(err)
	}
}

func TestSetHostname(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "etc/hostname"), "localhost\n")
	if err := SetHostname(root, "master-0"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "etc/hostname"))
	if err != nil || string(b) != "master-0\n" {
		t.Errorf("%q, %v", b, err)
	}
	if err := SetHostname(filepath.Join(root, "none"), "x"); err == nil {
		t.Error("no error without /etc")
	}
}
