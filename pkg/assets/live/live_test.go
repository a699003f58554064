package live_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/ignition/v2/config/v3_2"
	ign "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/vincent-petithory/dataurl"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types"
)

func inputs() live.Inputs {
	return live.Inputs{
		Agent: agent.Config{
			ClusterName: "demo", BaseDomain: "okd.test", InfraID: "demo-abcde",
			Rendezvous: netip.MustParseAddr("198.18.0.20"),
			CA:         "ca", Certificate: "cert", Key: secret.New("key"),
			AgentToken: secret.New("agent"), WatcherToken: secret.New("watcher"),
			Expires: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Masters: 3,
			Hosts: []agent.Host{{
				Hostname: "master-0", Role: "master", MACs: []string{"52:54:00:00:00:01"},
				Hints: &types.RootDeviceHints{DeviceName: "/dev/sda"},
			}},
			NTPSources: []string{"ntp.test", "198.18.0.1"},
		},
		Configs: map[string][]byte{
			agent.BootstrapIgnition: bytes.Repeat([]byte("{}"), 5000), agent.MasterIgnition: []byte("{master}"),
			agent.WorkerIgnition: []byte("{worker}"),
		},
		Keyfiles: keyfile.Directory(0, []keyfile.NIC{{Name: "eno1", MAC: "52:54:00:00:00:01"}},
			[]keyfile.File{{Name: "eno1.nmconnection", Data: []byte("[connection]\nid=eno1\n")}}),
		Registries: []byte("unqualified-search-registries = []\n"),
		Bundle:     "-----BEGIN CERTIFICATE-----\n",
		PullSecret: secret.New(`{"auths":{}}`),
		Proxy:      &types.Proxy{HTTPProxy: "http://u:it's%20@proxy.test:3128", NoProxy: "198.18.0.0/24"},
		SSHKeys:    []string{"ssh-ed25519 AAAA me"},
	}
}

func render(t *testing.T, in live.Inputs) ign.Config {
	t.Helper()
	raw, err := live.Ignition(in)
	if err != nil {
		t.Fatal(err)
	}
	c, report, err := v3_2.Parse(raw)
	if err != nil || len(report.Entries) > 0 {
		t.Fatalf("Ignition says: %v %s", err, report.String())
	}
	return c
}

func content(t *testing.T, f ign.File) string {
	t.Helper()
	u, err := dataurl.DecodeString(*f.Contents.Source)
	if err != nil {
		t.Fatal(err)
	}
	if f.Contents.Compression == nil {
		return string(u.Data)
	}
	r, err := gzip.NewReader(bytes.NewReader(u.Data))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestGolden shows reviewers what the live system gets.
func TestGolden(t *testing.T) {
	c := render(t, inputs())
	var out strings.Builder
	for _, u := range c.Passwd.Users {
		fmt.Fprintf(&out, "user %s %v\n", u.Name, u.SSHAuthorizedKeys)
	}
	is := func(b *bool) bool { return b != nil && *b }
	for _, u := range c.Systemd.Units {
		fmt.Fprintf(&out, "unit %s enabled=%t masked=%t\n", u.Name, is(u.Enabled), is(u.Mask))
	}
	for _, f := range c.Storage.Files {
		fmt.Fprintf(&out, "file %04o %s\n", *f.Mode, f.Path)
		if text := content(t, f); len(text) < 2000 {
			fmt.Fprintf(&out, "  | %s\n", strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  | "))
		}
	}
	golden.Compare(t, "testdata/live.txt", out.String())
}

// The node agent reads what is written here.
func TestAgentConfig(t *testing.T) {
	in := inputs()
	for _, f := range render(t, in).Storage.Files {
		if f.Path != agent.ConfigFile {
			continue
		}
		got, err := agent.Decode([]byte(content(t, f)))
		if err != nil || got.AgentToken.Reveal() != "agent" || got.Hosts[0].Hints.DeviceName != "/dev/sda" {
			t.Errorf("%v, %+v", err, got)
		}
		return
	}
	t.Error("no config of the agent")
}

// What is not set leaves no file that would replace one of the system.
func TestOptional(t *testing.T) {
	in := inputs()
	in.Agent.NTPSources, in.Proxy, in.Bundle = nil, nil, "\n"
	for _, f := range render(t, in).Storage.Files {
		for _, part := range []string{"chrony", "proxy", "10-default-env", "anchors", "hostname"} {
			if strings.Contains(f.Path, part) {
				t.Errorf("there is %s", f.Path)
			}
		}
	}
}

func TestPure(t *testing.T) {
	one, err := live.Ignition(inputs())
	if err != nil {
		t.Fatal(err)
	}
	two, err := live.Ignition(inputs())
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("two runs differ: %v", err)
	}
}

// The hook works in both layouts of /usr/local, and says so if it cannot copy.
func TestHook(t *testing.T) {
	script, err := live.Hook()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		setUp func(root string) error
		at    string // where the program is
	}{
		{"directory", func(root string) error { return os.MkdirAll(filepath.Join(root, "usr/local"), 0o755) },
			"usr/local/bin/okd-install"},
		{"link of CoreOS", func(root string) error { return link(root, "../var/usrlocal") }, "var/usrlocal/bin/okd-install"},
		{"absolute link", func(root string) error { return link(root, "/var/usrlocal") }, "var/usrlocal/bin/okd-install"},
		{"nothing", func(string) error { return nil }, "usr/local/bin/okd-install"},
		{"a file in the way", func(root string) error {
			if err := os.MkdirAll(filepath.Join(root, "usr"), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(root, "usr/local"), nil, 0o600)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			root, program := filepath.Join(dir, "sysroot"), filepath.Join(dir, "okd-install")
			for _, err := range []error{
				os.Mkdir(root, 0o755), os.WriteFile(program, []byte("program"), 0o600), tt.setUp(root),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			// dracut sources hooks; what comes after must run.
			text := strings.ReplaceAll(string(script), "/okd-agent/okd-install", program) + "\necho after\n"
			cmd := exec.Command("sh", "-c", text)
			cmd.Env = append(os.Environ(), "NEWROOT="+root)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "after") {
				t.Fatalf("%v: %s", err, out)
			}
			if tt.at == "" {
				if !strings.Contains(string(out), "cannot copy the node agent") {
					t.Errorf("said %s", out)
				}
				return
			}
			info, err := os.Stat(filepath.Join(root, tt.at))
			if err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%v, %v; said %s", info, err, out)
			}
		})
	}
}

func link(root, to string) error {
	if err := os.MkdirAll(filepath.Join(root, "usr"), 0o755); err != nil {
		return err
	}
	return os.Symlink(to, filepath.Join(root, "usr/local"))
}

func TestShellcheck(t *testing.T) {
	script, err := live.Hook()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{script} {
		cmd := exec.Command("shellcheck", "-")
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// An unconfigured system has what a configuration does not bring, and nothing of a cluster.
func TestUnconfigured(t *testing.T) {
	raw, err := live.Unconfigured(inputs())
	if err != nil {
		t.Fatal(err)
	}
	c, report, err := v3_2.Parse(raw)
	if err != nil || len(report.Entries) > 0 {
		t.Fatalf("Ignition says: %v %s", err, report.String())
	}
	for _, f := range c.Storage.Files {
		switch text := content(t, f); {
		case strings.Contains(text, "watcher"), strings.Contains(f.Path, "/network/"), strings.HasSuffix(f.Path, ".ign"):
			t.Errorf("there is %s:\n%s", f.Path, text)
		}
	}
	found := false
	for _, u := range c.Systemd.Units {
		found = found || u.Name == "okd-agent-load-config.service" && *u.Enabled
	}
	if !found {
		t.Error("nothing loads a configuration")
	}
}

// A live system that wipes has its orders and the unit for them, and nothing of a cluster.
func TestWiping(t *testing.T) {
	want := agent.Wipe{InfraID: "demo-abcde", Hosts: []agent.WipeHost{{
		Name: "master-0", MACs: []string{"52:54:00:00:00:01"}, Disk: &agent.DiskID{Path: "/dev/sda", Serial: "S1"},
	}}}
	raw, err := live.Wiping(want)
	if err != nil {
		t.Fatal(err)
	}
	c, report, err := v3_2.Parse(raw)
	if err != nil || len(report.Entries) > 0 {
		t.Fatalf("Ignition says: %v %s", err, report.String())
	}
	if len(c.Storage.Files) != 1 || c.Storage.Files[0].Path != agent.WipeFile {
		t.Fatalf("files: %+v", c.Storage.Files)
	}
	got, err := agent.DecodeWipe([]byte(content(t, c.Storage.Files[0])))
	if err != nil || got.InfraID != want.InfraID || *got.Hosts[0].Disk != *want.Hosts[0].Disk {
		t.Errorf("%+v, %v", got, err)
	}
	var enabled []string
	for _, u := range c.Systemd.Units {
		if u.Enabled != nil && *u.Enabled {
			enabled = append(enabled, u.Name)
		}
	}
	if len(enabled) != 1 || enabled[0] != "okd-agent-wipe.service" {
		t.Errorf("units %q", enabled)
	}
	if _, err := live.Wiping(agent.Wipe{InfraID: "demo-abcde", Hosts: []agent.WipeHost{{Name: "a"}}}); err == nil {
		t.Error("a host that nothing identifies")
	}
}
