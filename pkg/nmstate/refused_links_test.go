package nmstate_test

// refusedLinks are interfaces that cannot be translated, and what is said about them.
var refusedLinks = []struct{ name, text, want string }{
	{"unknown key", `
interfaces:
- name: eth0
  ipv4: {enabled: true, dchp: true}
`,
		`host.yaml:4:25: interfaces[0].ipv4.dchp: Invalid value: "dchp": unknown key; did you mean "dhcp"?`},
	{"unknown top key", `
interface:
- name: eth0
`,
		`host.yaml:2:1: interface: Invalid value: "interface": unknown key; did you mean "interfaces"?`},
	{"type that cannot be translated", `
interfaces:
- name: br-ex
  type: ovs-bridge
`,
		`host.yaml:4:9: interfaces[0].type: Unsupported value: "ovs-bridge": supported values: "ethernet", ` +
			`"bond", "vlan", "linux-bridge", "dummy"`},
	{"open vswitch key", `
interfaces:
- name: br-ex
  ovs-bridge: {}
  ovs-db: {external_ids: {a: b}}
`,
		`host.yaml:4:3: interfaces[0].ovs-bridge: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager; Open vSwitch is set up by the cluster` + "\n" +
			`host.yaml:5:3: interfaces[0].ovs-db: Forbidden: cannot be translated to a profile of NetworkManager; ` +
			`Open vSwitch is set up by the cluster`},
	{"hostname", `
hostname: {config: node-1}
`,
		`host.yaml:2:1: hostname: Forbidden: cannot be translated to a profile of NetworkManager; set the ` +
			`hostname of the host instead`},
	{"keys that nmstate shows", `
interfaces:
- {name: eth0, permanent-mac-address: "52:54:00:aa:bb:01", min-mtu: 68}
routes:
  running: []
`,
		`host.yaml:3:39: interfaces[0].permanent-mac-address: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager; nmstate only shows it` + "\n" +
			`host.yaml:3:69: interfaces[0].min-mtu: Forbidden: cannot be translated to a profile of NetworkManager; ` +
			`nmstate only shows it` + "\n" +
			`host.yaml:5:3: routes.running: Forbidden: cannot be translated to a profile of NetworkManager; nmstate ` +
			`only shows it; write the routes to config`},
	{"hardware settings", `
interfaces:
- {name: eth0, ethtool: {feature: {rx: true}}, ethernet: {sr-iov: {total-vfs: 2}}}
`,
		`host.yaml:3:16: interfaces[0].ethtool: Forbidden: cannot be translated to a profile of NetworkManager` + "\n" +
			`host.yaml:3:59: interfaces[0].ethernet.sr-iov: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager`},
	{"controller on the port", `
interfaces:
- {name: eth0, controller: bond0}
`,
		`host.yaml:3:28: interfaces[0].controller: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager; list the interface among the ports of its controller`},
	{"no name", `
interfaces:
- {type: ethernet}
`,
		`host.yaml:3:3: interfaces[0].name: Required value: the name of the interface`},
	{"name twice", `
interfaces:
- name: eth0
- name: eth0
`,
		`host.yaml:4:9: interfaces[1].name: Duplicate value: "eth0": another interface has this name`},
	{"name that linux refuses", `
interfaces:
- {name: "eth 0"}
- {name: an-ethernet-card}
- {name: lo}
`,
		`host.yaml:3:10: interfaces[0].name: Invalid value: "eth 0": is not a name for a network interface` + "\n" +
			`host.yaml:4:10: interfaces[1].name: Invalid value: "an-ethernet-card": must have at most 15 characters` + "\n" +
			`host.yaml:5:10: interfaces[2].name: Invalid value: "lo": is not a name for a network interface`},
	{"mac address", `
interfaces:
- {name: eth0, mac-address: "52:54:00:aa:bb"}
- {name: eth1, mac-address: "01:00:5e:00:00:01"}
`,
		`host.yaml:3:29: interfaces[0].mac-address: Invalid value: "52:54:00:aa:bb": must be a MAC address, like ` +
			`52:54:00:12:34:56` + "\n" +
			`host.yaml:4:29: interfaces[1].mac-address: Invalid value: "01:00:5e:00:00:01": is a group address; no ` +
			`interface has it`},
	{"identifier without mac address", `
interfaces:
- {name: eth0, identifier: mac-address}
- {name: br0, type: linux-bridge, identifier: mac-address, mac-address: "52:54:00:aa:bb:01"}
`,
		`host.yaml:3:3: interfaces[0].mac-address: Required value: the interface is identified by it` + "\n" +
			`host.yaml:4:47: interfaces[1].identifier: Invalid value: "mac-address": is for interfaces of type ` +
			`ethernet`},
	{"card of two interfaces", `
interfaces:
- {name: a, identifier: mac-address, mac-address: "52:54:00:aa:bb:01"}
- {name: b, identifier: mac-address, mac-address: "52-54-00-AA-BB-01"}
`,
		`host.yaml:4:51: interfaces[1].mac-address: Duplicate value: "52:54:00:AA:BB:01": a is the same network ` +
			`card`},
	{"description", `
interfaces:
- {name: eth0, description: "a\0b"}
`,
		`host.yaml:3:29: interfaces[0].description: Invalid value: "a\x00b": must not have control characters`},
	{"settings of another type", `
interfaces:
- {name: bond0, link-aggregation: {mode: 1, port: [eth0]}}
`,
		`host.yaml:3:17: interfaces[0].link-aggregation: Forbidden: is for interfaces of type bond; this is one ` +
			`of type ethernet`},
	{"bond without settings", `
interfaces:
- {name: bond0, type: bond}
`,
		`host.yaml:3:3: interfaces[0].link-aggregation: Required value: the settings of the bond`},
	{"bond without mode and ports", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {}}
`,
		`host.yaml:3:29: interfaces[0].link-aggregation.mode: Required value: one of balance-rr, active-backup, ` +
			`balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb` + "\n" +
			`host.yaml:3:29: interfaces[0].link-aggregation.port: Required value: the interfaces that the bond ` +
			`consists of`},
	{"bond mode", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: lacp, port: [eth0]}}
`,
		`host.yaml:3:54: interfaces[0].link-aggregation.mode: Invalid value: "lacp": must be one of balance-rr, ` +
			`active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb`},
	{"bond port used twice", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0, eth1]}}
- {name: bond1, type: bond, link-aggregation: {mode: 1, port: [eth1]}}
`,
		`host.yaml:4:64: interfaces[1].link-aggregation.port[0]: Duplicate value: "eth1": is a port of bond0 ` +
			`already`},
	{"bond in a bond", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [bond1]}}
- {name: bond1, type: bond, link-aggregation: {mode: 1, port: [eth0]}}
`,
		`host.yaml:3:64: interfaces[0].link-aggregation.port[0]: Invalid value: "bond1": is a bond, which cannot ` +
			`be a port of a bond`},
	{"bond port that is absent", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0]}}
- {name: eth0, state: absent}
`,
		`host.yaml:3:64: interfaces[0].link-aggregation.port[0]: Invalid value: "eth0": the state of this ` +
			`interface is absent`},
	{"bond port with addresses", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0]}}
- name: eth0
  ipv4:
    enabled: true
    dhcp: true
`,
		`host.yaml:6:14: interfaces[1].ipv4.enabled: Invalid value: true: must be false: eth0 is a port of ` +
			`bond0, which has the addresses`},
	{"bond options", `
interfaces:
- name: bond0
  type: bond
  link-aggregation:
    mode: balance-rr
    port: [eth0]
    options:
      mimon: 100
      lacp_rate: fast
      miimon: often
      xmit_hash_policy: layer9
      ad_actor_system: nobody
      arp_ip_target: gateway
      primary_reselect: {}
`,
		`host.yaml:9:14: interfaces[0].link-aggregation.options.mimon: Invalid value: "mimon": unknown key; did ` +
			`you mean "miimon"?` + "\n" +
			`host.yaml:10:18: interfaces[0].link-aggregation.options.lacp_rate: Forbidden: is for mode 802.3ad` + "\n" +
			`host.yaml:11:15: interfaces[0].link-aggregation.options.miimon: Invalid value: "often": must be a whole ` +
			`number between 0 and 2147483647` + "\n" +
			`host.yaml:12:25: interfaces[0].link-aggregation.options.xmit_hash_policy: Invalid value: "layer9": must ` +
			`be one of layer2, layer3+4, layer2+3, encap2+3, encap3+4, vlan+srcmac` + "\n" +
			`host.yaml:13:24: interfaces[0].link-aggregation.options.ad_actor_system: Invalid value: "nobody": must ` +
			`be a MAC address, like 52:54:00:12:34:56` + "\n" +
			`host.yaml:14:22: interfaces[0].link-aggregation.options.arp_ip_target: Invalid value: "gateway": must ` +
			`be IPv4 addresses that are separated by commas` + "\n" +
			`host.yaml:15:25: interfaces[0].link-aggregation.options.primary_reselect: Invalid value: "...": must be ` +
			`a single value`},
	{"bond options that contradict each other", `
interfaces:
- name: bond0
  type: bond
  mac-address: 52:54:00:aa:bb:01
  link-aggregation:
    mode: active-backup
    port: [eth0]
    options:
      arp_interval: 100
      miimon: 100
      fail_over_mac: active
      primary: eth9
      num_grat_arp: 1
      num_unsol_na: 2
      balance-slb: true
`,
		`host.yaml:9:5: interfaces[0].link-aggregation.options.arp_ip_target: Required value: the addresses that ` +
			`arp_interval asks for` + "\n" +
			`host.yaml:10:21: interfaces[0].link-aggregation.options.arp_interval: Forbidden: links are watched by ` +
			`miimon already` + "\n" +
			`host.yaml:12:22: interfaces[0].link-aggregation.options.fail_over_mac: Invalid value: "active": the ` +
			`bond has a mac-address of its own` + "\n" +
			`host.yaml:13:16: interfaces[0].link-aggregation.options.primary: Not found: "eth9": is not a port of ` +
			`the bond` + "\n" +
			`host.yaml:15:21: interfaces[0].link-aggregation.options.num_unsol_na: Invalid value: "2": must be the ` +
			`same as num_grat_arp, which is 1` + "\n" +
			`host.yaml:16:20: interfaces[0].link-aggregation.options.balance-slb: Invalid value: true: needs mode ` +
			`balance-xor and xmit_hash_policy vlan+srcmac`},
	{"bond delays without miimon", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0], options: {updelay: 100}}}
- {name: bond1, type: bond, link-aggregation: {mode: 1, port: [eth1], options: {arp_ip_target: 192.0.2.1}}}
`,
		`host.yaml:3:71: interfaces[0].link-aggregation.options.miimon: Required value: updelay has no effect ` +
			`without it` + "\n" +
			`host.yaml:4:71: interfaces[1].link-aggregation.options.arp_interval: Required value: arp_ip_target has ` +
			`no effect without it`},
	{"bond primary by mac", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0], options: {primary: eth0}}}
- {name: eth0, identifier: mac-address, mac-address: "52:54:00:aa:bb:01"}
`,
		`host.yaml:3:90: interfaces[0].link-aggregation.options.primary: Invalid value: "eth0": is identified by ` +
			`its MAC address, so its name is not known`},
	{"old name of bond ports", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, slaves: [eth0], port: [eth0]}}
`,
		`host.yaml:3:57: interfaces[0].link-aggregation.slaves: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager; its name is port`},
	{"vlan without base-iface", `
interfaces:
- name: eth0.5
  type: vlan
  vlan:
    id: 5
`,
		`host.yaml:5:3: interfaces[0].vlan.base-iface: Required value: the interface that the VLAN is on`},
	{"vlan without number", `
interfaces:
- {name: eth0.5, type: vlan, vlan: {base-iface: eth0}}
- {name: eth0.6, type: vlan, vlan: {base-iface: eth0, id: 4095}}
`,
		`host.yaml:3:30: interfaces[0].vlan.id: Required value: the number of the VLAN` + "\n" +
			`host.yaml:4:59: interfaces[1].vlan.id: Invalid value: 4095: must be between 1 and 4094`},
	{"vlan twice", `
interfaces:
- {name: a, type: vlan, vlan: {base-iface: eth0, id: 5}}
- {name: b, type: vlan, vlan: {base-iface: eth0, id: 5}}
`,
		`host.yaml:4:54: interfaces[1].vlan.id: Duplicate value: 5: a is the same VLAN on eth0`},
	{"vlan on a port", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0]}}
- {name: a, type: vlan, vlan: {base-iface: eth0, id: 5}}
`,
		`host.yaml:4:44: interfaces[1].vlan.base-iface: Invalid value: "eth0": is a port of bond0; put the VLAN ` +
			`on that`},
	{"vlan on itself", `
interfaces:
- {name: a, type: vlan, vlan: {base-iface: a, id: 5}}
`,
		`host.yaml:3:44: interfaces[0].vlan.base-iface: Invalid value: "a": is the interface itself`},
	{"vlan below its bond", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [a]}}
- {name: a, type: vlan, vlan: {base-iface: bond0, id: 5}}
`,
		`host.yaml:3:10: interfaces[0].name: Invalid value: "bond0": is on top of itself, by way of its ports or ` +
			`base-iface`},
	{"vlan mtu", `
interfaces:
- {name: eth0, mtu: 1500}
- {name: a, type: vlan, mtu: 9000, vlan: {base-iface: eth0, id: 5}}
`,
		`host.yaml:4:30: interfaces[1].mtu: Invalid value: 9000: is larger than the 1500 of eth0, which the VLAN ` +
			`is on`},
	{"bridge in a bridge", `
interfaces:
- {name: br0, type: linux-bridge, bridge: {port: [{name: br1}, {name: ""}]}}
- {name: br1, type: linux-bridge}
`,
		`host.yaml:3:58: interfaces[0].bridge.port[0].name: Invalid value: "br1": is a linux-bridge, which ` +
			`cannot be a port of a linux-bridge` + "\n" +
			`host.yaml:3:71: interfaces[0].bridge.port[1].name: Required value: the name of the port`},
	{"bridge vlan filtering", `
interfaces:
- {name: br0, type: linux-bridge, bridge: {port: [{name: eth0, vlan: {mode: access, tag: 5}}]}}
`,
		`host.yaml:3:64: interfaces[0].bridge.port[0].vlan: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager; make a VLAN, and a bridge on it`},
	{"bridge options", `
interfaces:
- name: br0
  type: linux-bridge
  bridge:
    options: {stp: {hello-time: 11, enable: true}, group-addr: 01:00:5e:00:00:01, vlan-protocol: 802.1q}
    port: [{name: eth0, stp-priority: 64}]
`,
		`host.yaml:6:33: interfaces[0].bridge.options.stp.hello-time: Invalid value: "11": must be a whole ` +
			`number between 1 and 10` + "\n" +
			`host.yaml:6:45: interfaces[0].bridge.options.stp.enable: Invalid value: "enable": unknown key; did you ` +
			`mean "enabled"?` + "\n" +
			`host.yaml:6:64: interfaces[0].bridge.options.group-addr: Invalid value: "01:00:5e:00:00:01": must be ` +
			`01:80:C2:00:00:00, or one from 01:80:C2:00:00:04 to 01:80:C2:00:00:0F` + "\n" +
			`host.yaml:6:98: interfaces[0].bridge.options.vlan-protocol: Invalid value: "vlan-protocol": unknown key` + "\n" +
			`host.yaml:7:39: interfaces[0].bridge.port[0].stp-priority: Invalid value: 64: must be between 0 and 63`},
	{"mtu", `
interfaces:
- {name: eth0, mtu: "1500"}
- {name: eth1, mtu: 20}
- {name: eth2, mtu: 1000, ipv6: {enabled: true}}
`,
		`host.yaml:3:21: interfaces[0].mtu: Invalid value: "1500": must be a whole number that is not negative` + "\n" +
			`host.yaml:4:21: interfaces[1].mtu: Invalid value: 20: must be between 68 and 65535` + "\n" +
			`host.yaml:5:21: interfaces[2].mtu: Invalid value: 1000: must be at least 1280 for IPv6`},
	{"speed without duplex", `
interfaces:
- {name: eth0, ethernet: {auto-negotiation: false, speed: 1000}}
- {name: eth1, ethernet: {speed: 1000, duplex: full}}
- {name: eth2, ethernet: {auto-negotiation: true, speed: 1000}}
`,
		`host.yaml:3:16: interfaces[0].ethernet.duplex: Required value: nothing is negotiated` + "\n" +
			`host.yaml:4:16: interfaces[1].ethernet.auto-negotiation: Required value: must be false for speed and ` +
			`duplex to count` + "\n" +
			`host.yaml:5:45: interfaces[2].ethernet.auto-negotiation: Invalid value: true: must be false for speed ` +
			`and duplex to count`},
	{"copied mac address", `
interfaces:
- {name: br0, type: linux-bridge, copy-mac-from: eth0}
- {name: eth1, copy-mac-from: eth0}
`,
		`host.yaml:3:50: interfaces[0].copy-mac-from: Invalid value: "eth0": no interface of this name has a ` +
			`mac-address here; write the address itself to mac-address` + "\n" +
			`host.yaml:4:31: interfaces[1].copy-mac-from: Forbidden: is for interfaces of type bond and linux-bridge`},
}
