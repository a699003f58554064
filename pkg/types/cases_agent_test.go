package types_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

const noWorkers = "compute = [{name: worker, replicas: 0}]\n"

// agentRefused are configs that hosts which register themselves cannot have.
var agentRefused = []row{
	{"oVirt", ovirt, ``, `platform: Unsupported value @ platform`},
	{"vSphere", none, `platform = {vsphere: {}}`, `platform: Unsupported value @ vsphere`},
	{"Nutanix", none, `platform = {nutanix: {}}`, `platform: Unsupported value @ nutanix`},
	{"6 masters", none, `controlPlane = {name: master, replicas: 6}`,
		`controlPlane.replicas: Unsupported value @ replicas: 6`},
	{"no masters", none, `controlPlane = {name: master, replicas: 0}`, `controlPlane.replicas: Invalid value`},
	{"2 masters", baremetal, "controlPlane = {name: master, replicas: 2}", `controlPlane.replicas: Invalid value`},
	{"2 masters and 2 arbiters", baremetal, twoMasters + "arbiter = {name: arbiter, replicas: 2}",
		`arbiter.replicas: Invalid value @ replicas: 2`},
	{"a single node on bare metal", baremetal, noWorkers + `controlPlane = {name: master, replicas: 1}`,
		`platform: Invalid value @ platform`},
	{"a single node with workers", none, "controlPlane = {name: master, replicas: 1}\n" +
		`compute = [{name: worker, replicas: 2}]`, `compute[0].replicas: Forbidden @ replicas: 2`},
	{"a single node without a word on workers", none, `controlPlane = {name: master, replicas: 1}`,
		`compute[0].replicas: Forbidden @ replicas: 1`},
	{"a single node on bare metal with workers", baremetal, `controlPlane = {name: master, replicas: 1}`, `
		platform: Invalid value
		compute[0].replicas: Forbidden @ replicas: 2`},
	{"an architecture that OKD has no release for", none, `controlPlane = {name: master, architecture: s390x}
		compute = [{name: worker, architecture: s390x}]`, `controlPlane.architecture: Unsupported value @ s390x`},
	{"wwnWithExtension", baremetal, host0 + `rootDeviceHints = {wwnWithExtension: x}`,
		`platform.baremetal.hosts[0].rootDeviceHints.wwnWithExtension: Forbidden`},
	{"wwnVendorExtension", baremetal, host0 + `rootDeviceHints = {wwnVendorExtension: x}`,
		`platform.baremetal.hosts[0].rootDeviceHints.wwnVendorExtension: Forbidden`},
	{"oci without cloud controller", external, `platform.external = {platformName: oci}`,
		`platform.external.cloudControllerManager: Invalid value`},
	{"a wrong BMC", baremetal, host0 + `bmc = {address: "ssh://a", username: a, password: b}`,
		`platform.baremetal.hosts[0].bmc: Invalid value`},
	{"overlapping networks of hosts with a BMC", baremetal, managed +
		`platform.baremetal.provisioningNetworkCIDR = 10.0.0.0/24`,
		`platform.baremetal.provisioningNetworkCIDR: Invalid value`},
}

// agentAccepted are configs of hosts that register themselves.
var agentAccepted = []row{
	{"no hosts in the file", baremetal, `drop platform.baremetal.hosts`, ``},
	{"hosts without BMC", baremetal, `platform.baremetal.hosts = [{name: a, bootMACAddress: 52:54:00:00:00:01}]`, ``},
	{"a provisioning network that nobody uses", baremetal, `
		platform.baremetal.hosts = [{name: a, bootMACAddress: 52:54:00:00:00:01}]
		platform.baremetal.provisioningNetwork = Managed
		platform.baremetal.provisioningNetworkCIDR = 10.0.0.0/24`, ``},
	{"1 master", none, noWorkers + `controlPlane = {name: master, replicas: 1}`, ``},
	{"1 master on external", external, noWorkers + `controlPlane = {name: master, replicas: 1}`, ``},
	{"3 masters", none, ``, ``},
	{"4 masters", none, `controlPlane = {name: master, replicas: 4}`, ``},
	{"5 masters on arm", none, `controlPlane = {name: master, replicas: 5, architecture: arm64}
		compute = [{name: worker, architecture: arm64}]`, ``},
	{"2 masters and an arbiter", baremetal, twoMasters + "arbiter = {name: arbiter, replicas: 1}", ``},
	{"oci", external, `platform.external = {platformName: oci, cloudControllerManager: External}`, ``},
	{"bootstrapInPlace", none, noWorkers + `controlPlane = {name: master, replicas: 1}
		bootstrapInPlace = {installationDisk: /dev/sda}`, `warns bootstrapInPlace`},
}

func TestAgent(t *testing.T) {
	o := types.Options{Agent: true}
	testRefused(t, o, agentRefused)
	testAccepted(t, o, agentAccepted)
	_, found := load(o, row{base: ovirt}.text(t))
	if text := found.Err().Error(); !strings.Contains(text, `supported values: "baremetal", "external", "none"`) {
		t.Errorf("the message does not list the platforms: %s", text)
	}
}

// TestAgentInPlace: the only host of a cluster is its own bootstrap host, whatever the
// file says.
func TestAgentInPlace(t *testing.T) {
	for _, tt := range []struct {
		name, edits string
		agent, want bool
	}{
		{"a single node", noWorkers + `controlPlane = {name: master, replicas: 1}`, true, true},
		{"a single node with a bootstrap host", noWorkers + `controlPlane = {name: master, replicas: 1}`, false, false},
		{"three masters", ``, true, false},
	} {
		c, found := load(types.Options{Agent: tt.agent}, row{base: none, edits: tt.edits}.text(t))
		if c == nil {
			t.Fatalf("%s: %v", tt.name, found.Err())
		}
		if got := c.BootstrapInPlace != nil; got != tt.want {
			t.Errorf("%s: in place: %v", tt.name, got)
		}
		if lines := found.Lines(true); len(lines) > 0 {
			t.Errorf("%s: %q", tt.name, lines)
		}
	}
}
