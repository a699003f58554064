package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Each row is a nodes-config.yaml and what is wrong with it.
func TestLoadNodes(t *testing.T) {
	one := host("1", "")
	for _, tt := range []struct{ name, text, want string }{
		{"one host", "hosts:\n" + one, ""},
		{"the old form", "apiVersion: v1\nkind: NodesConfig\nmetadata: {name: a}\nhosts:\n" + one, ""},
		{"no host", "cpuArchitecture: amd64\n", "hosts: Required value"},
		{"an empty list", "hosts: []\n", "hosts: Required value"},
		{"an unknown key", "rendezvousIP: 192.0.2.1\nhosts:\n" + one, "rendezvousIP: Invalid value"},
		{"an unknown architecture", "cpuArchitecture: riscv64\nhosts:\n" + one, "cpuArchitecture: Unsupported value"},
		{"an arbiter", "hosts:\n" + host("1", ", role: arbiter"), "hosts[0].role: Unsupported value"},
		{"a master", "hosts:\n" + host("1", ", role: master"), ""},
		{"no interfaces", "hosts: [{hostname: a}]\n", "hosts[0].interfaces: Required value"},
		{"a MAC twice", "hosts:\n" + one + one, "hosts[1].interfaces[0].macAddress: Duplicate value"},
		{"a name twice", "hosts:\n" + host("1", ", hostname: a") + host("2", ", hostname: a"),
			"hosts[1].hostname: Duplicate value"},
		{"a URL that is none", "bootArtifactsBaseURL: boot.test\nhosts:\n" + one, "bootArtifactsBaseURL: Invalid value"},
		{"a network that cannot be translated", "hosts:\n" + host("1", ", networkConfig: {interfaces: [{name: a, type: x}]}"),
			"networkConfig"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, found := agent.LoadNodes(agent.NodesFile, []byte(tt.text))
			got := strings.Join(found.Lines(false), "\n")
			if (c == nil) != (tt.want != "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %v, %s", c != nil, got)
			}
		})
	}
}

func TestNodesDefaults(t *testing.T) {
	c, found := agent.LoadNodes(agent.NodesFile, []byte(
		"cpuArchitecture: aarch64\nsshKey: |\n  ssh-rsa a\n\n  ssh-rsa b\nhosts:\n"+
			host("1", "")+host("2", static("192.0.2.7"))))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	if c.CPUArchitecture != "arm64" || c.Hosts[0].Role != "worker" ||
		!slices.Equal(c.SSHKeys(), []string{"ssh-rsa a", "ssh-rsa b"}) {
		t.Errorf("got %+v", c)
	}
	var files []string
	for _, f := range c.Keyfiles() {
		files = append(files, f.Name)
	}
	if want := []string{"host1/eth0.nmconnection", "host1/mac_interface.ini"}; !slices.Equal(files, want) {
		t.Errorf("profiles %q, want %q", files, want)
	}
}

// FuzzLoadNodes looks for files that make the installer panic or contradict itself.
func FuzzLoadNodes(f *testing.F) {
	for _, r := range rows {
		f.Add([]byte(strings.TrimPrefix(r.config, head)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, found := agent.LoadNodes(agent.File, data) // the name that checkLines expects
		if (c == nil) != found.Failed() {
			t.Fatalf("config %v, failed %v", c != nil, found.Failed())
		}
		checkLines(t, found)
	})
}
