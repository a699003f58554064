package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types/agent"
)

// bmc is how a host with a name is reached.
const bmc = ", hostname: a, bmc: {address: 'redfish-virtualmedia://192.0.2.1/redfish/v1/Systems/1', username: u, " +
	"password: p}"

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
		{"a BMC", "hosts:\n" + host("1", bmc), ""},
		{"a BMC of a host without a name", "hosts:\n" + host("1", strings.Replace(bmc, ", hostname: a", "", 1)),
			"hosts[0].hostname: Required value"},
		{"a BMC that boots from a network", "hosts:\n" + host("1", strings.Replace(bmc, "redfish-virtualmedia", "ipmi", 1)),
			"hosts[0].bmc.address: Invalid value"},
		{"a login in an address", "hosts:\n" + host("1", strings.Replace(bmc, "://", "://u:p@", 1)),
			"hosts[0].bmc: Invalid value"},
		{"no password", "hosts:\n" + host("1", strings.Replace(bmc, ", password: p", "", 1)),
			"hosts[0].bmc.password: Required value"},
		{"a BMC twice", "hosts:\n" + host("1", bmc) + host("2", strings.Replace(bmc, ": a,", ": b,", 1)),
			"hosts[1].bmc.address: Duplicate value"},
		{"an unknown key of a BMC", "hosts:\n" + host("1", strings.Replace(bmc, "username", "user", 1)),
			"hosts[0].bmc.user: Invalid value"},
		{"another boot MAC", "hosts:\n" + host("1", bmc+", bootMACAddress: 52:54:00:00:00:09"), ""},
		{"half a boot MAC", "hosts:\n" + host("1", bmc+", bootMACAddress: '52:54'"),
			"hosts[0].bootMACAddress: Invalid value"},
		{"a boot MAC without a BMC", "hosts:\n" + host("1", ", bootMACAddress: 52:54:00:00:00:01"),
			"hosts[0].bootMACAddress: Invalid value"},
		{"a boot mode", "hosts:\n" + host("1", bmc+", bootMode: legacy"), ""},
		{"a boot mode that media have not", "hosts:\n" + host("1", bmc+", bootMode: UEFISecureBoot"),
			"hosts[0].bootMode: Unsupported value"},
		{"no certificates", "bmcVerifyCA: none\nhosts:\n" + host("1", bmc), "bmcVerifyCA: Invalid value"},
		{"a VM", "hosts:\n" + host("1", ", hostname: a, ovirt: {}"), ""},
		{"a VM of a size", "hosts:\n" + host("1", ", hostname: a, ovirt: {cpu: {cores: 2}, memoryMB: 8192, "+
			"osDisk: {sizeGB: 50}, ovirt_cluster_id: 4a5f7b6e-1111-4222-8333-0123456789ab}"), ""},
		{"a VM without a name", "hosts:\n" + host("1", ", ovirt: {}"), "hosts[0].hostname: Required value"},
		{"a VM with a BMC", "hosts:\n" + host("1", bmc+", ovirt: {}"), "hosts[0].ovirt: Invalid value"},
		{"a VM of no size", "hosts:\n" + host("1", ", hostname: a, ovirt: {osDisk: {sizeGB: 0}}"),
			"hosts[0].ovirt.osDisk.sizeGB: Invalid value"},
		{"a VM without cores", "hosts:\n" + host("1", ", hostname: a, ovirt: {cpu: {sockets: 2}}"),
			"hosts[0].ovirt.cpu.cores: Invalid value"},
		{"a VM of negative memory", "hosts:\n" + host("1", ", hostname: a, ovirt: {memoryMB: -1}"),
			"hosts[0].ovirt.memoryMB: Invalid value"},
		{"a VM in a cluster of no ID", "hosts:\n" + host("1", ", hostname: a, ovirt: {ovirt_cluster_id: mine}"),
			"hosts[0].ovirt.ovirt_cluster_id: Invalid value"},
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
	f.Add([]byte("hosts:\n" + host("1", bmc) + host("2", ", hostname: b, ovirt: {cpu: {cores: 2}, osDisk: {sizeGB: 9}}")))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, found := agent.LoadNodes(agent.File, data) // the name that checkLines expects
		if (c == nil) != found.Failed() {
			t.Fatalf("config %v, failed %v", c != nil, found.Failed())
		}
		checkLines(t, found)
	})
}
