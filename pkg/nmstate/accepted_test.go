package nmstate_test

// accepted are configurations; what becomes of them is in testdata.
var accepted = []struct{ name, text string }{
	{"ethernet dhcp", `
interfaces:
- name: eth0
  type: ethernet
  state: up
  ipv4: {enabled: true, dhcp: true}
  ipv6: {enabled: true, dhcp: true, autoconf: true}
`},
	{"ethernet static", `
interfaces:
- name: eno1
  type: ethernet
  state: up
  mac-address: 52:54:00:aa:bb:01
  mtu: 9000
  ipv4:
    enabled: true
    dhcp: false
    address:
    - ip: 192.0.2.11
      prefix-length: 24
    - ip: 198.51.100.11
      prefix-length: 25
  ipv6:
    enabled: false
dns-resolver:
  config:
    server: [192.0.2.53]
routes:
  config:
  - destination: 0.0.0.0/0
    next-hop-address: 192.0.2.1
    next-hop-interface: eno1
    table-id: 254
`},
	{"type is ethernet by default", `
interfaces:
- name: eth0
  ipv4: {enabled: true, dhcp: true}
`},
	{"identified by mac", `
interfaces:
- name: first
  type: ethernet
  identifier: mac-address
  mac-address: 52-54-00-aa-bb-01
  ipv4: {enabled: true, dhcp: true}
- name: first.20
  type: vlan
  vlan: {base-iface: first, id: 20}
`},
	{"link settings", `
interfaces:
- name: eth0
  description: "  to the \\ switch\nin rack 4"
  ethernet: {auto-negotiation: false, speed: 10000, duplex: full}
  accept-all-mac-addresses: true
  lldp: {enabled: true}
  wait-ip: ipv4+ipv6
  ipv4: {enabled: true, dhcp: true}
  ipv6: {enabled: true}
- name: eth1
  ethernet: {auto-negotiation: true}
  lldp: {enabled: false}
  accept-all-mac-addresses: false
  wait-ip: any
`},
	{"states", `
interfaces:
- {name: eth0, state: up, ipv4: {enabled: true, dhcp: true}}
- {name: eth1, state: down}
- {name: eth2, state: absent}
- {name: bond0, type: bond, state: absent}
routes:
  config:
  - {state: absent, next-hop-interface: eth2}
route-rules:
  config:
  - {state: absent, route-table: 500}
`},
	{"dhcp options", `
interfaces:
- name: eth0
  ipv4:
    enabled: true
    dhcp: true
    auto-dns: false
    auto-gateway: false
    auto-routes: false
    auto-route-table-id: 100
    auto-route-metric: 50
    dhcp-client-id: iaid+duid
    dhcp-custom-hostname: node-1.example.org
  ipv6:
    enabled: true
    dhcp: true
    autoconf: false
    auto-dns: true
    addr-gen-mode: stable-privacy
    dhcp-duid: "00:03:00:01:52:54:00:aa:bb:01"
    dhcp-send-hostname: false
    address: [{ip: "2001:db8::11", prefix-length: 64}]
- name: eth1
  wait-ip: ipv4
  ipv4: {enabled: true, dhcp: true, dhcp-custom-hostname: node-1, dhcp-client-id: "01:52:54:00:aa:bb:01"}
  ipv6: {enabled: true, dhcp: true, autoconf: true, dhcp-custom-hostname: node-1.example.org, dhcp-duid: llt}
`},
	{"ipv6 static", `
interfaces:
- name: eth0
  wait-ip: ipv6
  ipv4: {enabled: false}
  ipv6:
    enabled: true
    dhcp: false
    autoconf: false
    address: [{ip: "2001:db8::11", prefix-length: 64}]
dns-resolver:
  config: {server: ["2001:db8::53", "2001:db8::54"]}
routes:
  config:
  - {destination: "::/0", next-hop-address: "2001:db8::1", next-hop-interface: eth0}
  - {destination: "2001:db8:5::/48", next-hop-address: "fe80::1", next-hop-interface: eth0, metric: 7}
  - {destination: "2001:db8:6::9", next-hop-interface: eth0, metric: 0}
`},
	{"ipv6 link local", `
interfaces:
- name: eth0
  ipv6: {enabled: true}
routes:
  config:
  - {destination: "::/0", next-hop-address: "fe80::1", next-hop-interface: eth0}
`},
	{"bond of the documentation", `
interfaces:
- name: bond0
  type: bond
  state: up
  ipv4: {enabled: true, dhcp: true}
  link-aggregation:
    mode: active-backup
    options: {miimon: "140", primary: eth0}
    port: [eth0, eth1]
- {name: eth0, type: ethernet, state: up, mac-address: "52:54:00:aa:bb:01"}
- {name: eth1, type: ethernet, state: up, mac-address: "52:54:00:aa:bb:02", ipv4: {enabled: false}}
`},
	{"bond with ports that are not listed", `
interfaces:
- name: bond0
  type: bond
  copy-mac-from: eth1
  link-aggregation: {mode: 4, ports: [eth0, eth1]}
- {name: eth1, mac-address: "52:54:00:aa:bb:02"}
`},
	{"bond 802.3ad", `
interfaces:
- name: bond0
  type: bond
  link-aggregation:
    mode: 802.3ad
    port: [eth0, eth1]
    options:
      ad_actor_sys_prio: 7
      ad_actor_system: 52:54:00:12:34:56
      ad_select: bandwidth
      ad_user_port_key: 4
      all_slaves_active: delivered
      lacp_rate: 1
      lp_interval: 4
      miimon: 100
      min_links: 1
      updelay: 200
      downdelay: 100
      xmit_hash_policy: layer3+4
`},
	{"bond that asks for addresses", `
interfaces:
- name: bond0
  type: bond
  mac-address: 52:54:00:12:34:56
  link-aggregation:
    mode: 1
    port: [eth0, eth1]
    options:
      arp_all_targets: all
      arp_interval: 100
      arp_ip_target: 192.0.2.1,192.0.2.2
      arp_validate: filter_backup
      fail_over_mac: follow
      num_grat_arp: 3
      num_unsol_na: 3
      primary_reselect: better
      resend_igmp: 3
      use_carrier: false
`},
	{"bonds of other modes", `
interfaces:
- {name: rr, type: bond, link-aggregation: {mode: balance-rr, port: [eth0], options: {packets_per_slave: 4}}}
- {name: xor, type: bond, link-aggregation: {mode: balance-xor, port: [eth1],
    options: {balance-slb: true, xmit_hash_policy: vlan+srcmac}}}
- {name: cast, type: bond, link-aggregation: {mode: broadcast, port: [eth2]}}
- {name: tlb, type: bond, link-aggregation: {mode: balance-tlb, port: [eth3], options: {tlb_dynamic_lb: false}}}
- {name: alb, type: bond, link-aggregation: {mode: 6, port: [eth4], options: {primary: eth4}}}
`},
	{"vlan on ethernet", `
interfaces:
- name: eth0.404
  type: vlan
  state: up
  vlan: {base-iface: eth0, id: 404}
  ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}
`},
	{"vlan on bond", `
interfaces:
- name: bond0.300
  type: vlan
  mtu: 1500
  vlan: {base-iface: bond0, id: 300}
  ipv4: {enabled: true, dhcp: true}
- name: bond0
  type: bond
  mtu: 9000
  link-aggregation: {mode: balance-xor, port: [eth0, eth1]}
`},
	{"vlan options", `
interfaces:
- {name: outer, type: vlan, vlan: {base-iface: eth0, id: 1, protocol: 802.1ad, registration-protocol: gvrp}}
- {name: inner, type: vlan, vlan: {base-iface: outer, id: 4094, protocol: 802.1q, registration-protocol: mvrp}}
- {name: a-name-that-is-too-long, type: vlan,
    vlan: {base-iface: eth0, id: 2, registration-protocol: none, reorder-headers: false, loose-binding: true}}
`},
	{"bridge", `
interfaces:
- name: br0
  type: linux-bridge
  copy-mac-from: eth0
  ipv4: {enabled: true, dhcp: true}
  bridge:
    options:
      stp: {enabled: false}
    port:
    - name: eth0
      vlan: {}
    - {name: bond0, stp-hairpin-mode: true, stp-path-cost: 120, stp-priority: 12}
- {name: eth0, mac-address: "52:54:00:aa:bb:01"}
- {name: bond0, type: bond, link-aggregation: {mode: 802.3ad, port: [eth1]}}
`},
	{"bridge options", `
interfaces:
- name: br0
  type: linux-bridge
  bridge:
    options:
      stp: {enabled: true, forward-delay: 10, hello-time: 3, max-age: 30, priority: 4096}
      group-addr: 01:80:c2:00:00:0e
      group-fwd-mask: 8
      hash-max: 512
      mac-ageing-time: 200
      multicast-last-member-count: 3
      multicast-last-member-interval: 99
      multicast-membership-interval: 25999
      multicast-querier: true
      multicast-querier-interval: 25000
      multicast-query-interval: 12000
      multicast-query-response-interval: 900
      multicast-query-use-ifaddr: true
      multicast-router: 2
      multicast-snooping: "false"
      multicast-startup-query-count: 4
      multicast-startup-query-interval: 3000
`},
	{"bridge without ports", `
interfaces:
- {name: br0, type: linux-bridge}
- {name: br1, type: linux-bridge, bridge: {ports: [{name: dummy0}]}}
- {name: dummy0, type: dummy, mtu: 1400}
`},
	{"routes", `
interfaces:
- name: eth0
  ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}
- name: eth1
  ipv4: {enabled: true, dhcp: true}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.1, next-hop-interface: eth0, metric: 150, table-id: 0}
  - {destination: 198.51.100.9/24, next-hop-address: 192.0.2.2, next-hop-interface: eth0, metric: -1, weight: 2}
  - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.3, next-hop-interface: eth0, metric: -1, weight: 1}
  - {destination: 203.0.113.0/24, next-hop-interface: eth0, metric: 10, table-id: 500, source: 192.0.2.11}
  - {destination: 203.0.113.7, next-hop-address: 10.0.0.1, next-hop-interface: eth1}
`},
	{"gateway on an on-link network", `
interfaces:
- name: eth0
  ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 32}]}
routes:
  config:
  - {destination: 192.0.2.1/32, next-hop-interface: eth0}
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.1, next-hop-interface: eth0}
`},
	{"rules", `
interfaces:
- name: eth0
  ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8::11", prefix-length: 64}]}
- name: eth1
  ipv4: {enabled: true, address: [{ip: 198.51.100.11, prefix-length: 24}]}
- name: eth2
  ipv4: {enabled: true, dhcp: true, auto-route-table-id: 700}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: 198.51.100.1, next-hop-interface: eth1, table-id: 500}
route-rules:
  config:
  - {ip-from: 198.51.100.0/24, route-table: 500}
  - {ip-to: 203.0.113.4, priority: 30010, suppress-prefix-length: 0}
  - {family: ipv4, route-table: 700, iif: eth2}
  - {ip-to: 10.0.0.0/8, route-table: 700, priority: -1}
  - {family: ipv6, action: prohibit, fwmark: 0x20, fwmask: "0xff"}
  - {family: ipv6, ip-from: "2001:db8::/32", ip-to: "2001:db8:5::9", route-table: 0, fwmark: 7}
`},
	{"dns of both protocols", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
- name: eth1
  ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8::11", prefix-length: 64}]}
dns-resolver:
  config:
    server: ["2001:db8::53", 192.0.2.53, 192.0.2.54]
    search: [example.org, lab.example.org]
    options: [rotate, "timeout:1"]
`},
	{"dns beside dhcp", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
- {name: eth1, ipv4: {enabled: true, dhcp: true, auto-dns: false}}
dns-resolver:
  config: {server: [192.0.2.53], search: [example.org]}
`},
	{"dns link local", `
interfaces:
- {name: eth0, ipv6: {enabled: true, address: [{ip: "2001:db8::11", prefix-length: 64}]}}
- {name: eth1, ipv6: {enabled: true, dhcp: true, autoconf: true}}
dns-resolver:
  config: {server: ["fe80::53%eth1", "2001:db8::53"]}
`},
	{"dns search only", `
interfaces:
- {name: eth0, ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}}
- {name: eth1, ipv4: {enabled: true, dhcp: true}}
dns-resolver:
  config: {search: [example.org]}
`},
	{"nothing", `interfaces: []`},
}
