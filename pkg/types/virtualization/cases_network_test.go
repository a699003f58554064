package virtualization_test

import "testing"

// policy is a policy of the host network.
func policy(fields string) string { return rwx + "hostNetwork:\n- {name: a, " + fields + "}\n" }

func TestHostNetwork(t *testing.T) {
	run(t, []row{
		{"all fields", three, rwx + `hostNetwork:
- name: vms
  nodeSelector: {node-role.kubernetes.io/worker: ""}
  maxUnavailable: "2"
  bonds:
  - {name: bond1, mode: 802.3ad, ports: [eno2, eno3], miimon: 50, lacpRate: fast, transmitHashPolicy: layer3+4,
     mtu: 9000}
  - {name: bond2, ports: [eno4, eno5], primary: eno4, dhcp: true}
  vlans:
  - {name: storage, base: bond1, id: 100, mtu: 9000, dhcp: true}
  - {base: bond1, id: 4094}
  bridges:
  - {name: br1, ports: [bond1.4094], stp: true, mtu: 9000, dhcp: true}
  - {name: br2, type: ovs, ports: [bond1]}
  localnets:
  - {name: outside, bridge: br2}
  - {name: machines, bridge: br-ex}
`, `hostNetwork[0].vlans[1].name = "bond1.4094"
			hostNetwork[0].bonds[1].mode = "active-backup"
			hostNetwork[0].bridges[0].type = "linux"`},
		{"defaults", three, policy("bonds: [{name: bond1, ports: [eno2]}]"), `
			hostNetwork[0].nodeSelector = {"node-role.kubernetes.io/worker":""}
			hostNetwork[0].maxUnavailable = "1"
			hostNetwork[0].bonds[0].miimon = 100
			hostNetwork[0].bonds[0].mode = "active-backup"`},
		{"the nodes of the VMs", three, policy("bridges: [{name: br1}]") +
			"hyperConverged: {workloads: {nodeSelector: {vms: ''}}}\n", `hostNetwork[0].nodeSelector = {"vms":""}`},
		{"nodes that are VMs", nested, policy("bridges: [{name: br1}]"),
			`warns hostNetwork[0].bridges @ br1 ~ network filter`},
		{"nodes that are VMs, without bridges", nested, policy("bonds: [{name: bond1, ports: [eno2]}]"), ``},
		{"nothing in it", two, rwx + "hostNetwork: [{name: a}]\n", `hostNetwork[0]: Required value`},
		{"no name", two, rwx + "hostNetwork: [{bridges: [{name: br1}]}]\n", `hostNetwork[0].name: Required value`},
		{"a name twice", two, rwx + "hostNetwork: [{name: a, bridges: [{name: br1}]}, {name: a, bridges: [{name: br1}]}]\n",
			`hostNetwork[1].name: Duplicate value`},
		{"a bad label", two, policy("nodeSelector: {'': a}, bridges: [{name: br1}]"),
			`hostNetwork[0].nodeSelector: Invalid value`},
		{"no node at a time", two, policy("maxUnavailable: 0%, bridges: [{name: br1}]"),
			`hostNetwork[0].maxUnavailable: Invalid value`},
		{"more than all nodes at a time", two, policy("maxUnavailable: 101%, bridges: [{name: br1}]"),
			`hostNetwork[0].maxUnavailable: Invalid value`},
		{"a number of nodes without quotes", two, policy("maxUnavailable: 2, bridges: [{name: br1}]"),
			`hostNetwork[0].maxUnavailable: Invalid value ~ quotes`},

		{"a bond without ports", two, policy("bonds: [{name: bond1}]"), `hostNetwork[0].bonds[0].ports: Required value`},
		{"a bond without name", two, policy("bonds: [{ports: [eno2]}]"), `hostNetwork[0].bonds[0].name: Required value`},
		{"another mode", two, policy("bonds: [{name: bond1, ports: [eno2], mode: lacp}]"),
			`hostNetwork[0].bonds[0].mode: Unsupported value @ lacp`},
		{"a mode as a number", two, policy("bonds: [{name: bond1, ports: [eno2], mode: 4}]"),
			`hostNetwork[0].bonds[0].mode: Invalid value`},
		{"options of other modes", two,
			policy("bonds: [{name: bond1, ports: [eno2], lacpRate: slow, transmitHashPolicy: layer2}]"),
			`
			hostNetwork[0].bonds[0].lacpRate: Forbidden ~ active-backup
			hostNetwork[0].bonds[0].transmitHashPolicy: Forbidden`},
		{"a primary port with LACP", two, policy("bonds: [{name: bond1, ports: [eno2], mode: 802.3ad, primary: eno2}]"),
			`hostNetwork[0].bonds[0].primary: Forbidden`},
		{"a primary port from elsewhere", two, policy("bonds: [{name: bond1, ports: [eno2], primary: eno3}]"),
			`hostNetwork[0].bonds[0].primary: Not found @ eno3`},
		{"a port of itself", two, policy("bonds: [{name: bond1, ports: [bond1]}]"),
			`hostNetwork[0].bonds[0].ports[0]: Invalid value`},
		{"a port of two bonds", two, policy("bonds: [{name: bond1, ports: [eno2]}, {name: bond2, ports: [eno2]}]"),
			`hostNetwork[0].bonds[1].ports[0]: Duplicate value ~ bond bond1`},
		{"a port twice", two, policy("bonds: [{name: bond1, ports: [eno2, eno2]}]"),
			`hostNetwork[0].bonds[0].ports[1]: Duplicate value`},
		{"miimon 0", two, policy("bonds: [{name: bond1, ports: [eno2], miimon: 0}]"),
			`hostNetwork[0].bonds[0].miimon: Invalid value`},
		{"a small MTU", two, policy("bonds: [{name: bond1, ports: [eno2], mtu: 68}]"),
			`hostNetwork[0].bonds[0].mtu: Invalid value`},
		{"a long name", two, policy("bonds: [{name: bond012345678901, ports: [eno2]}]"),
			`hostNetwork[0].bonds[0].name: Invalid value ~ 15`},
		{"a name with a slash", two, policy("bonds: [{name: a/b, ports: [eno2]}]"),
			`hostNetwork[0].bonds[0].name: Invalid value`},
		{"the bridge of the machine network", two, policy("bonds: [{name: bond1, ports: [br-ex]}]"),
			`hostNetwork[0].bonds[0].ports[0]: Invalid value ~ installed`},
		{"an interface twice", two, policy("bonds: [{name: a, ports: [eno2]}], bridges: [{name: a}]"),
			`hostNetwork[0].bridges[0].name: Duplicate value`},

		{"a VLAN without base", two, policy("vlans: [{id: 1, name: a}]"), `hostNetwork[0].vlans[0].base: Required value`},
		{"a VLAN without id", two, policy("vlans: [{base: eno2}]"), `hostNetwork[0].vlans[0].id: Required value`},
		{"VLAN 0", two, policy("vlans: [{base: eno2, id: 0}]"), `hostNetwork[0].vlans[0].id: Required value`},
		{"VLAN 4095", two, policy("vlans: [{base: eno2, id: 4095}]"), `hostNetwork[0].vlans[0].id: Invalid value @ 4095`},
		{"a VLAN whose name is too long", two, policy("vlans: [{base: enp0s31f6np0, id: 4000}]"),
			`hostNetwork[0].vlans[0].name: Required value ~ enp0s31f6np0.4000`},
		{"a VLAN twice", two, policy("vlans: [{base: eno2, id: 5}, {base: eno2, id: 5}]"),
			`hostNetwork[0].vlans[1].name: Duplicate value`},
		{"a VLAN of itself", two, policy("vlans: [{name: a, base: a, id: 5}]"),
			`hostNetwork[0].vlans[0].base: Invalid value`},
		{"a VLAN of a port of a bond", two, policy("bonds: [{name: bond1, ports: [eno2]}], vlans: [{base: eno2, id: 5}]"),
			`hostNetwork[0].vlans[0].base: Invalid value ~ bond bond1`},

		{"a bridge without name", two, policy("bridges: [{ports: [eno2]}]"),
			`hostNetwork[0].bridges[0].name: Required value`},
		{"br-ex as a bridge", two, policy("bridges: [{name: br-ex}]"), `hostNetwork[0].bridges[0].name: Invalid value`},
		{"another kind of bridge", two, policy("bridges: [{name: br1, type: ovn}]"),
			`hostNetwork[0].bridges[0].type: Unsupported value`},
		{"a bridge in itself", two, policy("bridges: [{name: br1, ports: [br1]}]"),
			`hostNetwork[0].bridges[0].ports[0]: Invalid value`},
		{"a port of a bond and a bridge", two,
			policy("bonds: [{name: bond1, ports: [eno2]}], bridges: [{name: br1, ports: [eno2]}]"),
			`hostNetwork[0].bridges[0].ports[0]: Duplicate value`},
		{"a port with an address", two, policy("bonds: [{name: bond1, ports: [eno2], dhcp: true}], " +
			"bridges: [{name: br1, ports: [bond1]}]"), `hostNetwork[0].bridges[0].ports[0]: Invalid value ~ dhcp of the bridge`},
		{"an address of Open vSwitch", two, policy("bridges: [{name: br1, type: ovs, dhcp: true}]"),
			`hostNetwork[0].bridges[0].dhcp: Forbidden`},

		{"a localnet of a Linux bridge", two, policy("bridges: [{name: br1}], localnets: [{name: out, bridge: br1}]"),
			`hostNetwork[0].localnets[0].bridge: Not found @ br1`},
		{"a localnet of the machine network's name", two, policy("localnets: [{name: physnet, bridge: br-ex}]"),
			`hostNetwork[0].localnets[0].name: Invalid value`},
		{"a localnet without bridge", two, policy("localnets: [{name: out}]"),
			`hostNetwork[0].localnets[0].bridge: Required value`},
		{"a localnet twice", two, policy("localnets: [{name: out, bridge: br-ex}, {name: out, bridge: br-ex}]"),
			`hostNetwork[0].localnets[1].name: Duplicate value`},
		{"a localnet of another policy's bridge", two,
			rwx + "hostNetwork:\n- {name: a, localnets: [{name: out, bridge: br2}]}\n" +
				"- {name: b, bridges: [{name: br2, type: ovs}]}\n", ``},
	})
}

// network is a network of one kind.
func network(fields string) string { return rwx + "networks:\n- {name: a, " + fields + "}\n" }

func TestNetworks(t *testing.T) {
	sriov := func(fields string) string { return network("sriov: {" + fields + "}") }
	run(t, []row{
		{"all fields", three, rwx + `networks:
- {name: a, namespace: vms, bridge: {name: br1, vlan: 100, macSpoofCheck: false, preserveDefaultVLAN: true, mtu: 9000}}
- name: b
  localnet: {name: physnet, vlan: 7, mtu: 9000, subnets: [192.0.2.0/24, "fd00::/64"], excludeSubnets: [192.0.2.0/28]}
- name: c
  sriov: {resourceName: fast, vfs: 8, interfaces: [ens1f0], rootDevices: ["0000:3b:00.0"], vendor: "8086",
    deviceID: 158b,
    nodeSelector: {a: b}, vlan: 5, spoofCheck: false, trust: true, mtu: 9000}
- {name: d, macvlan: {interface: eno3, subnet: 198.51.100.0/24, exclude: [198.51.100.0/28], mtu: 9000}}
`, `networks[0].namespace = "vms"
			networks[0].bridge.macSpoofCheck = false
			networks[3].namespace = "kubevirt-hyperconverged"
			hyperConverged.liveMigration.network = "d"`},
		{"defaults of a bridge", two, network("bridge: {name: br1}"), `
			networks[0] = {"bridge":{"macSpoofCheck":true,"name":"br1"},"name":"a","namespace":"default"}`},
		{"defaults of a localnet", two, network("localnet: {}"), `
			networks[0] = {"localnet":{"mtu":1500,"name":"physnet"},"name":"a","namespace":"default"}`},
		{"defaults of SR-IOV", two, sriov("resourceName: a, vfs: 2, vendor: '8086'"), `
			networks[0].sriov.nodeSelector = {"node-role.kubernetes.io/worker":""}
			networks[0].sriov.resourceName = "a"
			networks[0].sriov.spoofCheck = true
			networks[0].sriov.vendor = "8086"
			networks[0].sriov.vfs = 2`},
		{"a bridge of the host network", two,
			policy("bridges: [{name: br1}]") + "networks: [{name: a, bridge: {name: br1}}]\n",
			``},
		{"a bridge that no policy makes", two, policy("bridges: [{name: br1}, {name: br2, type: ovs}]") +
			"networks: [{name: a, bridge: {name: br2}}]\n", `warns networks[0].bridge.name @ br2`},
		{"a localnet of the host network", two, policy("localnets: [{name: out, bridge: br-ex}]") +
			"networks: [{name: a, localnet: {name: out}}]\n", ``},
		{"a localnet that no policy makes", two, network("localnet: {name: out}"), `warns networks[0].localnet.name @ out`},
		{"no kind", two, rwx + "networks: [{name: a}]\n", `networks[0]: Required value`},
		{"two kinds", two, network("bridge: {name: br1}, localnet: {}"),
			`networks[0].localnet: Forbidden ~ bridge and localnet`},
		{"no name", two, rwx + "networks: [{localnet: {}}]\n", `networks[0].name: Required value`},
		{"a bad name", two, rwx + "networks: [{name: A, localnet: {}}]\n", `networks[0].name: Invalid value`},
		{"a bad namespace", two, network("namespace: a.b, localnet: {}"), `networks[0].namespace: Invalid value`},
		{"a name twice", two, rwx + "networks: [{name: a, localnet: {}}, {name: a, namespace: default, bridge: {name: b}}]\n",
			`networks[1].name: Duplicate value`},
		{"a name in two namespaces", two,
			rwx + "networks: [{name: a, localnet: {}}, {name: a, namespace: b, localnet: {}}]\n",
			``},

		{"a bridge without name", two, network("bridge: {}"), `networks[0].bridge.name: Required value`},
		{"br-ex", two, network("bridge: {name: br-ex}"), `networks[0].bridge.name: Invalid value`},
		{"VLAN 4095", two, network("bridge: {name: br1, vlan: 4095}"), `networks[0].bridge.vlan: Invalid value ~ 1 and 4094`},
		{"VLAN 0", two, network("localnet: {vlan: 0}"), `networks[0].localnet.vlan: Invalid value`},
		{"a VLAN as text", two, network("localnet: {vlan: '7'}"), `networks[0].localnet.vlan: Invalid value`},
		{"a large MTU", two, network("localnet: {mtu: 70000}"), `networks[0].localnet.mtu: Invalid value`},
		{"a subnet that is none", two, network("localnet: {subnets: [192.0.2.0]}"),
			`networks[0].localnet.subnets[0]: Invalid value`},
		{"an address in a subnet", two, network("localnet: {subnets: [192.0.2.1/24]}"),
			`networks[0].localnet.subnets[0]: Invalid value ~ write 192.0.2.0/24`},
		{"subnets that overlap", two, network("localnet: {subnets: [192.0.2.0/24, 192.0.2.128/25]}"),
			`networks[0].localnet.subnets[1]: Invalid value ~ overlaps`},
		{"an exclusion from nothing", two, network("localnet: {excludeSubnets: [192.0.2.0/28]}"),
			`networks[0].localnet.excludeSubnets[0]: Invalid value`},
		{"an exclusion from elsewhere", two,
			network("localnet: {subnets: [192.0.2.0/24], excludeSubnets: [198.51.100.0/28]}"),
			`networks[0].localnet.excludeSubnets[0]: Invalid value`},

		{"SR-IOV without anything", two, sriov(""), `
			networks[0].sriov.resourceName: Required value
			networks[0].sriov.vfs: Required value
			networks[0].sriov.interfaces: Required value`},
		{"SR-IOV in nodes that are VMs", nested, sriov("resourceName: a, vfs: 2, vendor: '8086'"), `warns networks[0].sriov`},
		{"bad SR-IOV", two, sriov("resourceName: a-b, vfs: 300, vendor: 0x8086, deviceID: '15', rootDevices: ['3b:00.0']"), `
			networks[0].sriov.resourceName: Invalid value
			networks[0].sriov.vfs: Invalid value
			networks[0].sriov.vendor: Invalid value
			networks[0].sriov.deviceID: Invalid value
			networks[0].sriov.rootDevices[0]: Invalid value`},
		{"one pool for two networks", two,
			rwx + "networks:\n- {name: a, sriov: {resourceName: a, vfs: 2, vendor: '8086', vlan: 1}}\n" +
				"- {name: b, sriov: {resourceName: a, vfs: 2, vendor: '8086', vlan: 2}}\n", ``},
		{"one pool for two kinds of cards", two,
			rwx + "networks:\n- {name: a, sriov: {resourceName: a, vfs: 2, vendor: '8086'}}\n" +
				"- {name: b, sriov: {resourceName: a, vfs: 3, vendor: '8086'}}\n",
			`networks[1].sriov.resourceName: Duplicate value`},

		{"macvlan without anything", two, network("macvlan: {}"), `
			networks[0].macvlan.interface: Required value
			networks[0].macvlan.subnet: Required value`},
		{"an address as subnet", two, network("macvlan: {interface: eno3, subnet: 198.51.100.7/24}"),
			`networks[0].macvlan.subnet: Invalid value`},
		{"an exclusion from another subnet", two,
			network("macvlan: {interface: eno3, subnet: 198.51.100.0/24, exclude: [192.0.2.0/28]}"),
			`networks[0].macvlan.exclude[0]: Invalid value`},
		{"macvlan with one node", single, network("macvlan: {interface: eno3, subnet: 198.51.100.0/24}"), `
			warns networks[0].macvlan
			hyperConverged.liveMigration.network = null`},
		{"the migration network by name", two, network("macvlan: {interface: eno3, subnet: 198.51.100.0/24}") +
			"hyperConverged: {liveMigration: {network: a}}\n", `hyperConverged.liveMigration.network = "a"`},
		{"the migration network elsewhere", two,
			network("namespace: b, macvlan: {interface: eno3, subnet: 198.51.100.0/24}") +
				"hyperConverged: {liveMigration: {network: a}}\n", `hyperConverged.liveMigration.network: Invalid value ~ is in b`},
		{"the migration network of another kind", two, network("namespace: kubevirt-hyperconverged, bridge: {name: br1}") +
			"hyperConverged: {liveMigration: {network: a}}\n", `hyperConverged.liveMigration.network: Invalid value ~ macvlan`},
		{"two networks for migrations", two, network("macvlan: {interface: eno3, subnet: 198.51.100.0/24}") +
			"- {name: b, macvlan: {interface: eno3, subnet: 192.0.2.0/24}}\n", `hyperConverged.liveMigration.network = null`},
	})
}
