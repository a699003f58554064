package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// A row is a case: an agent-config, and the install-config beside it.
//
// What it gives is one line for each finding, `path: Type` or `warns path`, with `@ text`
// behind it if the finding must point to a line with this text. A path in
// install-config.yaml begins with a slash. `rendezvous ADDRESS` is the address of the host
// that bootstraps the cluster.
type row struct {
	name, cluster, config, gives string
}

const (
	head = "apiVersion: v1beta1\n"

	names = `apiVersion: v1
metadata: {name: demo}
baseDomain: okd.test
pullSecret: '{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
`
	common = names + "networking: {machineNetwork: [{cidr: 198.18.0.0/24}]}\n"
	vips   = "apiVIPs: [198.18.0.10], ingressVIPs: [198.18.0.11]"

	compact = common + "compute: [{name: worker, replicas: 0}]\nplatform: {none: {}}\n"
	regular = common + "compute: [{name: worker, replicas: 2}]\nplatform: {none: {}}\n"
	metal   = common + "compute: [{name: worker, replicas: 2}]\nplatform: {baremetal: {" + vips + "}}\n"
	arbiter = common + "controlPlane: {name: master, replicas: 2}\narbiter: {name: arbiter, replicas: 1}\n" +
		"compute: [{name: worker, replicas: 0}]\nplatform: {baremetal: {" + vips + "}}\n"
	dual = names + `compute: [{name: worker, replicas: 0}]
networking:
  machineNetwork: [{cidr: 198.18.0.0/24}, {cidr: fd00:18::/64}]
  clusterNetwork: [{cidr: 10.128.0.0/14, hostPrefix: 23}, {cidr: fd01::/48, hostPrefix: 64}]
  serviceNetwork: [172.30.0.0/16, fd02::/112]
platform: {none: {}}
`
)

// listed is an install-config that lists hosts.
func listed(hosts string) string {
	return common + "compute: [{name: worker, replicas: 2}]\nplatform:\n  baremetal:\n    " +
		"apiVIPs: [198.18.0.10]\n    ingressVIPs: [198.18.0.11]\n    hosts:\n" + hosts
}

// host is a host with an interface, and what else it has in YAML's flow style.
func host(n string, more string) string {
	return "- {interfaces: [{name: eth0, macAddress: 52:54:00:00:00:0" + n + "}]" + more + "}\n"
}

// static is the network configuration with a static address.
func static(ip string) string {
	return ", networkConfig: {interfaces: [{name: eth0, ipv4: {enabled: true, address: [{ip: " + ip +
		", prefix-length: 24}]}}]}"
}

func nic(fields string) string { return head + "hosts:\n- interfaces: [{" + fields + "}]\n" }

func hints(fields string) string {
	return head + "hosts:\n" + host("1", ", rootDeviceHints: {"+fields+"}")
}

const mac1 = "macAddress: 52:54:00:00:00:01"

var rows = []row{
	// The file as a whole.
	{"nothing", compact, head, ``},
	{"all fields", compact, head + `kind: AgentConfig
metadata: {name: demo, namespace: cluster0, creationTimestamp: null}
rendezvousIP: 198.18.0.20
additionalNTPSources: [ntp.test, 198.18.0.1, "fd00::1"]
bootArtifactsBaseURL: https://boot.test/agent
minimalISO: true
hosts: []
`, `rendezvous 198.18.0.20`},
	{"the version before", compact, "apiVersion: v1alpha1\n", ``},
	{"an empty file", compact, "", `: Required value`},
	{"a comment", compact, "# nothing\n", `: Required value`},
	{"no YAML", compact, "a: [\n", `: Invalid value`},
	{"a list", compact, "- a\n", `: Invalid value`},
	{"two documents", compact, head + "---\n" + head, `: Too many`},
	{"no apiVersion", compact, "kind: AgentConfig\n", `apiVersion: Required value`},
	{"an unknown apiVersion", compact, "apiVersion: v1\n", `apiVersion: Invalid value @ v1`},
	{"another kind", compact, head + "kind: InstallConfig\n", `kind: Unsupported value @ InstallConfig`},
	{"an unknown key", compact, head + "rendezvousIp: 198.18.0.20\n", `rendezvousIp: Invalid value @ rendezvousIp`},
	{"an unknown key of a host", compact, head + "hosts:\n" + host("1", ", hostName: a"),
		`hosts[0].hostName: Invalid value @ hostName`},
	{"the BMC of a host", compact, head + "hosts:\n" + host("1", ", bmc: {address: a}"), `hosts[0].bmc: Invalid value`},
	{"a key twice", compact, head + "minimalISO: false\nminimalISO: false\n", `minimalISO: Duplicate value`},
	{"a minimal ISO without a place for the rest", compact, head + "minimalISO: true\n",
		`bootArtifactsBaseURL: Required value`},
	{"a minimal ISO", compact, head + "minimalISO: true\nbootArtifactsBaseURL: https://boot.test/agent/\n", ``},
	{"several findings", compact, head + "rendezvousIP: a\nminimalISO: maybe\nbootArtifactsBaseURL: b\n", `
		rendezvousIP: Invalid value @ rendezvousIP
		minimalISO: Invalid value @ minimalISO
		bootArtifactsBaseURL: Invalid value @ bootArtifactsBaseURL`},

	// Single values.
	{"an address with prefix", compact, head + "rendezvousIP: 198.18.0.20/24\n", `rendezvousIP: Invalid value`},
	{"a name as rendezvous address", compact, head + "rendezvousIP: node0.test\n", `rendezvousIP: Invalid value`},
	{"an empty rendezvous address", compact, head + "rendezvousIP: ''\n", ``},
	{"a rendezvous address of IPv6", dual, head + "rendezvousIP: fd00:18::20\n", `rendezvous fd00:18::20`},
	{"a time server with port", compact, head + "additionalNTPSources: [a.test, 'b.test:123']\n",
		`additionalNTPSources[1]: Invalid value @ b.test`},
	{"a time server that is empty", compact, head + "additionalNTPSources: ['']\n",
		`additionalNTPSources[0]: Invalid value`},
	{"time servers as text", compact, head + "additionalNTPSources: a.test\n", `additionalNTPSources: Invalid value`},
	{"a URL without scheme", compact, head + "bootArtifactsBaseURL: boot.test\n", `bootArtifactsBaseURL: Invalid value`},
	{"a URL of another scheme", compact, head + "bootArtifactsBaseURL: ftp://boot.test\n",
		`bootArtifactsBaseURL: Invalid value`},
	{"a URL without host", compact, head + "bootArtifactsBaseURL: 'http://'\n", `bootArtifactsBaseURL: Invalid value`},
	{"a URL with port", compact, head + "bootArtifactsBaseURL: 'http://198.18.0.1:8080/a'\n", ``},
	{"minimalISO in quotes", compact, head + "minimalISO: 'true'\n", `minimalISO: Invalid value`},

	// Hosts.
	{"hosts as a mapping", compact, head + "hosts: {}\n", `hosts: Invalid value`},
	{"no interfaces", compact, head + "hosts:\n- hostname: a\n", `hosts[0].interfaces: Required value @ hostname`},
	{"an empty list of interfaces", compact, head + "hosts:\n- interfaces: []\n", `hosts[0].interfaces: Required value`},
	{"no MAC", compact, nic("name: eth0"), `hosts[0].interfaces[0].macAddress: Required value`},
	{"half a MAC", compact, nic("macAddress: '52:54:00'"), `hosts[0].interfaces[0].macAddress: Invalid value`},
	{"a MAC of a group", compact, nic("macAddress: 33:33:00:00:00:01"),
		`hosts[0].interfaces[0].macAddress: Invalid value`},
	{"a MAC that YAML takes for a number", compact, nic("macAddress: 525400000001"),
		`hosts[0].interfaces[0].macAddress: Invalid value`},
	{"a MAC twice", compact, head + "hosts:\n" + host("1", "") + host("1", ""),
		`hosts[1].interfaces[0].macAddress: Duplicate value`},
	{"a MAC twice in one host, in two ways", compact,
		nic("macAddress: 52:54:00:00:00:ab}, {macAddress: 52-54-00-00-00-AB"),
		`hosts[0].interfaces[1].macAddress: Duplicate value`},
	{"an interface name twice", compact, nic("name: a, " + mac1 + "}, {name: a, macAddress: 52:54:00:00:00:02"),
		`hosts[0].interfaces[1].name: Duplicate value`},
	{"the same interface name in two hosts", compact, head + "hosts:\n" + host("1", "") + host("2", ""),
		`warns hosts`},
	{"no name for networkConfig", compact, head + "hosts:\n- interfaces: [{" + mac1 + "}]\n  " +
		strings.TrimPrefix(static("198.18.0.20"), ", ") + "\n", `hosts[0].interfaces[0].name: Required value`},
	{"a hostname", compact, head + "hosts:\n" + host("1", ", hostname: node-0.okd.test"), `warns hosts`},
	{"a hostname with underscore", compact, head + "hosts:\n" + host("1", ", hostname: node_0"),
		`hosts[0].hostname: Invalid value @ node_0`},
	{"a hostname in capitals", compact, head + "hosts:\n" + host("1", ", hostname: Node"),
		`hosts[0].hostname: Invalid value`},
	{"localhost", compact, head + "hosts:\n" + host("1", ", hostname: localhost"), `hosts[0].hostname: Invalid value`},
	{"a hostname of 64 characters", compact, head + "hosts:\n" + host("1", ", hostname: "+strings.Repeat("a", 64)),
		`hosts[0].hostname: Invalid value`},
	{"a hostname twice", compact, head + "hosts:\n" + host("1", ", hostname: a") + host("2", ", hostname: a"),
		`hosts[1].hostname: Duplicate value @ 00:02`},

	// Disks.
	{"all hints", compact, hints("deviceName: /dev/disk/by-path/pci-0, hctl: '0:0:0:0', model: m, vendor: v, " +
		"serialNumber: s, minSizeGigabytes: 100, wwn: w, rotational: false"), `warns hosts`},
	{"a disk without /dev", compact, hints("deviceName: sda"), `hosts[0].rootDeviceHints.deviceName: Invalid value`},
	{"a disk by a link that changes", compact, hints("deviceName: /dev/disk/by-id/a"),
		`hosts[0].rootDeviceHints.deviceName: Invalid value`},
	{"a disk of a negative size", compact, hints("minSizeGigabytes: -1"),
		`hosts[0].rootDeviceHints.minSizeGigabytes: Invalid value`},
	{"wwnWithExtension", compact, hints("wwnWithExtension: w"), `hosts[0].rootDeviceHints.wwnWithExtension: Forbidden`},
	{"wwnVendorExtension", compact, hints("wwnVendorExtension: w"),
		`hosts[0].rootDeviceHints.wwnVendorExtension: Forbidden`},
	{"a hint that there is not", compact, hints("serial: s"), `hosts[0].rootDeviceHints.serial: Invalid value`},

	// Network configurations.
	{"network as text", compact, head + "hosts:\n" + host("1", ", networkConfig: dhcp"),
		`hosts[0].networkConfig: Invalid value`},
	{"network that is no data", compact, head + "hosts:\n" + host("1", ", networkConfig: {a: .nan}"),
		`hosts[0].networkConfig.a: Invalid value`},
	{"a static address with prefix", compact, head + "hosts:\n" + host("1", static("198.18.0.20/24")),
		`hosts[0].networkConfig.interfaces[0].ipv4.address[0].ip: Invalid value`},
	{"a static address as a number", compact, head + "hosts:\n" + host("1", static("42")),
		`hosts[0].networkConfig.interfaces[0].ipv4.address[0].ip: Invalid value`},
	{"a static address twice", compact, head + "hosts:\n" + host("1", static("198.18.0.20")) +
		host("2", static("198.18.0.20")), `warns hosts
		hosts[1].networkConfig.interfaces[0].ipv4.address[0].ip: Duplicate value @ 00:02`},
	{"the same address on inner bridges", compact, head + "rendezvousIP: 198.18.0.20\nhosts:\n" +
		host("1", static("192.168.122.1")) + host("2", static("192.168.122.1")),
		`warns hosts
		rendezvous 198.18.0.20`},

	// Roles.
	{"an unknown role", compact, head + "hosts:\n" + host("1", ", role: infra"), `hosts[0].role: Unsupported value`},
	{"all roles", regular, head + "hosts:\n" + host("1", ", role: master") + host("2", ", role: master") +
		host("3", ", role: master") + host("4", ", role: worker") + host("5", ", role: worker"), ``},
	{"no roles", regular, head + "hosts:\n" + host("1", "") + host("2", "") + host("3", "") + host("4", "") +
		host("5", ""), ``},
	{"too many masters", compact, head + "hosts:\n" + host("1", ", role: master") + host("2", ", role: master") +
		host("3", ", role: master") + host("4", ", role: master"), `hosts: Invalid value @ 00:04`},
	{"too many workers", compact, head + "hosts:\n" + host("1", ", role: worker"), `hosts: Invalid value @ 00:01`},
	{"too many hosts without role", compact, head + "hosts:\n" + host("1", ", role: master") + host("2", "") +
		host("3", "") + host("4", ""), `hosts: Invalid value @ 00:04`},
	{"too few masters", compact, head + "hosts:\n" + host("1", ", role: master"), `warns hosts @ hosts`},
	{"too few workers", regular, head + "hosts:\n" + host("1", ", role: worker"), `warns hosts`},
	{"workers alone", regular, head + "hosts:\n" + host("1", ", role: worker") + host("2", ", role: worker"), ``},
	{"an arbiter", arbiter, head + "hosts:\n" + host("1", ", role: arbiter") + host("2", ", role: master") +
		host("3", ""), ``},
	{"an arbiter where there is none", compact, head + "hosts:\n" + host("1", ", role: arbiter"),
		`hosts: Invalid value @ 00:01`},

	// The host that bootstraps.
	{"first static address of a master", regular, head + "hosts:\n" + host("1", ", role: worker"+static("198.18.0.21")) +
		host("2", static("198.18.0.22")) + host("3", ", role: master") + host("4", ", role: master"+static("198.18.0.24")),
		`warns hosts
		rendezvous 198.18.0.24`},
	{"first static address of a host without role", regular, head + "hosts:\n" +
		host("1", ", role: worker"+static("198.18.0.21")) + host("2", static("198.18.0.22")),
		`warns hosts
		warns hosts
		rendezvous 198.18.0.22`},
	{"never a worker's", regular, head + "hosts:\n" + host("1", ", role: worker"+static("198.18.0.21")), `warns hosts`},
	{"the worker's, by name", regular, head + "rendezvousIP: 198.18.0.21\nhosts:\n" +
		host("1", ", role: worker"+static("198.18.0.21")), `warns hosts
		rendezvousIP: Forbidden @ rendezvousIP`},
	{"the master's, by name", regular, head + "rendezvousIP: 198.18.0.22\nhosts:\n" +
		host("1", ", role: master"+static("198.18.0.21")) + host("2", ", role: master"+static("198.18.0.22")),
		`warns hosts
		rendezvous 198.18.0.22`},
	{"IPv4 before IPv6", dual, head + `hosts:
- interfaces: [{name: a, macAddress: 52:54:00:00:00:01}]
  networkConfig:
    interfaces:
    - name: a
      ipv6: {enabled: true, address: [{ip: "fd00:18::20", prefix-length: 64}]}
      ipv4: {enabled: true, address: [{ip: 198.18.0.20, prefix-length: 24}]}
`, `warns hosts
		rendezvous 198.18.0.20`},
	{"interfaces that are not up", compact, head + `hosts:
- interfaces:
  - {name: a, macAddress: 52:54:00:00:00:01}
  - {name: b, macAddress: 52:54:00:00:00:02}
  - {name: c, macAddress: 52:54:00:00:00:03}
  networkConfig:
    interfaces:
    - {name: a, state: down, ipv4: {enabled: true, address: [{ip: 198.18.0.20, prefix-length: 24}]}}
    - {name: b, ipv4: {enabled: false}, ipv6: {enabled: true, dhcp: true, autoconf: true}}
    - {name: c, state: up, ipv4: {enabled: true, address: [{ip: 198.18.0.22, prefix-length: 24}]}}
`, `warns hosts
		rendezvous 198.18.0.22`},
	{"a network that cannot be translated", compact, head + `hosts:
- interfaces: [{name: a, macAddress: 52:54:00:00:00:01}, {name: br-ex, macAddress: 52:54:00:00:00:02}]
  networkConfig:
    interfaces:
    - {name: br-ex, type: ovs-bridge}
    - {name: a, ipv4: {enabled: true, address: [{ip: 198.18.0.22}]}}
`, `hosts[0].networkConfig.interfaces[0].type: Unsupported value
		hosts[0].networkConfig.interfaces[1].ipv4.address[0].prefix-length: Required value`},
	{"a virtual address", metal, head + "rendezvousIP: 198.18.0.10\n", `rendezvousIP: Invalid value`},
	{"outside of the machine networks", compact, head + "rendezvousIP: 192.0.2.1\n",
		`warns rendezvousIP @ rendezvousIP
		rendezvous 192.0.2.1`},
	{"an address that no host has", compact, head + "rendezvousIP: 198.18.0.29\nhosts:\n" +
		host("1", static("198.18.0.21")) + host("2", static("198.18.0.22")) + host("3", static("198.18.0.23")),
		`warns rendezvousIP
		rendezvous 198.18.0.29`},
	{"an address that DHCP may give", compact, head + "rendezvousIP: 198.18.0.29\nhosts:\n" +
		host("1", static("198.18.0.21")) + host("2", static("198.18.0.22")) + host("3", ""), `rendezvous 198.18.0.29`},

	// Hosts of install-config.yaml.
	{"hosts of install-config.yaml", listed(`
    - {name: a, role: worker, bootMACAddress: 52:54:00:00:00:01` + static("198.18.0.21") + `}
    - {name: b, bootMACAddress: 52:54:00:00:00:02` + static("198.18.0.22") + `}
    - {name: c, bootMACAddress: 52:54:00:00:00:03}
    - {name: d, bootMACAddress: 52:54:00:00:00:04}
    - {name: e, bootMACAddress: 52:54:00:00:00:05}
`), head, `rendezvous 198.18.0.22`},
	{"hosts of both files", listed("    - {name: a, role: worker, bootMACAddress: 52:54:00:00:00:01}\n"),
		head + "hosts:\n" + host("1", ", role: master"+static("198.18.0.20")),
		`warns /platform.baremetal.hosts @ hosts
		warns hosts
		rendezvous 198.18.0.20`},
	{"too many workers of install-config.yaml", listed(`
    - {name: a, role: worker, bootMACAddress: 52:54:00:00:00:01}
    - {name: b, role: worker, bootMACAddress: 52:54:00:00:00:02}
    - {name: c, role: worker, bootMACAddress: 52:54:00:00:00:03}
`), head, `/platform.baremetal.hosts: Invalid value @ name: c`},
	{"a boot interface that networkConfig does not have", listed(`
    - {name: a, bootMACAddress: 52:54:00:00:00:01,
      networkConfig: {interfaces: [{name: a, mac-address: 52:54:00:00:00:02}]}}
`), head, `warns /platform.baremetal.hosts
		warns /platform.baremetal.hosts[0].bootMACAddress @ 00:01`},
	{"a MAC twice in networkConfig of install-config.yaml", listed(`
    - {name: a, bootMACAddress: 52:54:00:00:00:01,
      networkConfig: {interfaces: [{name: a, mac-address: 52:54:00:00:00:01}]}}
    - {name: b, bootMACAddress: 52:54:00:00:00:02,
      networkConfig: {interfaces: [{name: a, mac-address: 52:54:00:00:00:01}]}}
`), head, `warns /platform.baremetal.hosts
		warns /platform.baremetal.hosts[1].bootMACAddress
		/platform.baremetal.hosts[1].networkConfig: Duplicate value`},
	{"a worker of install-config.yaml as rendezvous host", listed(`
    - {name: a, role: worker, bootMACAddress: 52:54:00:00:00:01` + static("198.18.0.21") + `}
`), head + "rendezvousIP: 198.18.0.21\n", `warns /platform.baremetal.hosts
		rendezvousIP: Forbidden @ rendezvousIP`},
}

func cluster(t testing.TB, text string) *types.InstallConfig {
	t.Helper()
	c, found := types.Options{Platforms: platforms.All().Kinds(), Agent: true}.Load("install-config.yaml", []byte(text))
	if c == nil {
		t.Fatalf("%v\n%s", found.Err(), text)
	}
	return c
}

func TestRows(t *testing.T) {
	if len(rows) < 90 {
		t.Errorf("only %d cases", len(rows))
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			install := cluster(t, r.cluster)
			config, found := agent.Load(agent.File, []byte(r.config))
			var inventory agent.Inventory
			if config != nil {
				inventory, found = agent.NewInventory(install, config)
			}
			var want []string
			for line := range strings.Lines(r.gives) {
				if line = strings.TrimSpace(line); line != "" {
					want = append(want, line)
				}
			}
			if !found.Failed() && inventory.RendezvousIP.IsValid() {
				got := "rendezvous " + inventory.RendezvousIP.String()
				i := slices.Index(want, got)
				if i < 0 {
					t.Errorf("%s, want %q", got, want)
				} else {
					want = slices.Delete(want, i, i+1)
				}
			}
			for _, f := range found.Findings() {
				i := slices.IndexFunc(want, func(w string) bool { return r.matches(f, w) })
				if i < 0 {
					t.Errorf("unexpected finding of:\n%s", strings.Join(append(found.Lines(false), found.Lines(true)...), "\n"))
					continue
				}
				want = slices.Delete(want, i, i+1)
			}
			if len(want) > 0 {
				t.Errorf("missing: %q", want)
			}
			checkLines(t, found)
		})
	}
}

// matches reports whether a finding is what a line says.
func (r row) matches(f report.Finding, line string) bool {
	head, on, placed := strings.Cut(line, " @ ")
	path, text := f.Path.String(), r.config
	if f.File != "" {
		path, text = "/"+path, r.cluster
	}
	if want := path + ": " + string(f.Type); !f.Warning && head != want || f.Warning && head != "warns "+path {
		return false
	}
	if f.At.Line < 1 {
		return !placed
	}
	return strings.Contains(strings.Split(text, "\n")[f.At.Line-1], on)
}

// checkLines checks what every message must be: one line that begins with its file.
func checkLines(t *testing.T, found *report.Report) {
	t.Helper()
	for _, l := range append(found.Lines(false), found.Lines(true)...) {
		known := strings.HasPrefix(l, agent.File) || strings.HasPrefix(l, "install-config.yaml")
		if strings.ContainsAny(l, "\n\r") || !known {
			t.Errorf("message %q", l)
		}
	}
}
