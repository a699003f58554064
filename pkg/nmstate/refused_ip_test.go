package nmstate_test

// refusedIP are addresses, routes, rules and name servers that cannot be translated, and what is
// said about them.
var refusedIP = []struct{ name, text, want string }{
	{"address of the other protocol", `
interfaces:
- name: eth0
  ipv4:
    enabled: true
    address:
    - ip: 2001:db8::11
      prefix-length: 64
  ipv6:
    enabled: true
    address:
    - ip: 192.0.2.11
      prefix-length: 24
`,
		`host.yaml:7:11: interfaces[0].ipv4.address[0].ip: Invalid value: "2001:db8::11": is not an IPv4 address` + "\n" +
			`host.yaml:12:11: interfaces[0].ipv6.address[0].ip: Invalid value: "192.0.2.11": is not an IPv6 address`},
	{"address without prefix", `
interfaces:
- {name: eth0, ipv4: {enabled: true, address: [{ip: 192.0.2.11}]}}
- {name: eth1, ipv4: {enabled: true, address: [{ip: 192.0.2.12, prefix-length: 33}]}}
- {name: eth2, ipv4: {enabled: true, address: [{ip: 192.0.2.300, prefix-length: 24}]}}
- {name: eth3, ipv4: {enabled: true, address: [{ip: 127.0.0.1, prefix-length: 24}]}}
- {name: eth4, ipv4: {enabled: true, address: [{prefix-length: 24}]}}
`,
		`host.yaml:3:48: interfaces[0].ipv4.address[0].prefix-length: Required value: the length of the subnet's ` +
			`prefix, like 24` + "\n" +
			`host.yaml:4:80: interfaces[1].ipv4.address[0].prefix-length: Invalid value: 33: must be between 1 and 32` + "\n" +
			`host.yaml:5:53: interfaces[2].ipv4.address[0].ip: Invalid value: "192.0.2.300": must be an IP address` + "\n" +
			`host.yaml:6:53: interfaces[3].ipv4.address[0].ip: Invalid value: "127.0.0.1": is not the address of an ` +
			`interface` + "\n" +
			`host.yaml:7:48: interfaces[4].ipv4.address[0].ip: Required value: the address`},
	{"address twice", `
interfaces:
- {name: eth0, ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}}
- {name: eth1, ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}}
`,
		`host.yaml:4:53: interfaces[1].ipv4.address[0].ip: Duplicate value: "192.0.2.11": eth0 has this address ` +
			`already`},
	{"address that is not enabled", `
interfaces:
- {name: eth0, ipv4: {enabled: false, dhcp: true}}
- {name: eth1, ipv4: {address: [{ip: 192.0.2.11, prefix-length: 24}]}}
`,
		`host.yaml:3:32: interfaces[0].ipv4.enabled: Invalid value: false: must be true for dhcp, autoconf and ` +
			`address to count` + "\n" +
			`host.yaml:4:16: interfaces[1].ipv4.enabled: Required value: must be true for IPv4`},
	{"keys of the other protocol", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true, autoconf: true, dhcp-duid: ll}}
- {name: eth1, ipv6: {enabled: true, dhcp: true, dhcp-client-id: ll}}
`,
		`host.yaml:3:60: interfaces[0].ipv4.autoconf: Forbidden: is for IPv6` + "\n" +
			`host.yaml:3:77: interfaces[0].ipv4.dhcp-duid: Forbidden: is for IPv6` + "\n" +
			`host.yaml:4:66: interfaces[1].ipv6.dhcp-client-id: Forbidden: is for IPv4`},
	{"waiting for what is disabled", `
interfaces:
- {name: eth0, wait-ip: ipv6, ipv4: {enabled: true, dhcp: true}}
`,
		`host.yaml:3:25: interfaces[0].wait-ip: Invalid value: "ipv6": the interface has no IPv6`},
	{"autoconf alone", `
interfaces:
- {name: eth0, ipv6: {enabled: true, autoconf: true}}
`,
		`host.yaml:3:16: interfaces[0].ipv6.dhcp: Required value: must be true with autoconf: routers say ` +
			`whether there is a DHCP server, and NetworkManager asks one only then`},
	{"dhcp options", `
interfaces:
- name: eth0
  ipv4: {enabled: true, dhcp: true, dhcp-client-id: me, dhcp-send-hostname: false, dhcp-custom-hostname: a}
  ipv6: {enabled: true, dhcp: true, dhcp-custom-hostname: "a b", token: "::1"}
`,
		`host.yaml:4:53: interfaces[0].ipv4.dhcp-client-id: Invalid value: "me": must be ll or iaid+duid, or ` +
			`bytes in hexadecimal like 01:52:54:00:12:34:56` + "\n" +
			`host.yaml:4:106: interfaces[0].ipv4.dhcp-custom-hostname: Forbidden: dhcp-send-hostname is false` + "\n" +
			`host.yaml:5:59: interfaces[0].ipv6.dhcp-custom-hostname: Invalid value: "a b": must be a DNS name` + "\n" +
			`host.yaml:5:73: interfaces[0].ipv6.token: Forbidden: cannot be translated to a profile of NetworkManager`},
	{"route without interface", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.1}
  - {destination: 0.0.0.0/0, next-hop-interface: eth9}
`,
		`host.yaml:6:5: routes.config[0].next-hop-interface: Required value: the interface that leads to the ` +
			`destination` + "\n" +
			`host.yaml:7:50: routes.config[1].next-hop-interface: Not found: "eth9": no interface has this name`},
	{"route to nowhere", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
routes:
  config:
  - {next-hop-interface: eth0}
  - {destination: default, next-hop-interface: eth0}
`,
		`host.yaml:6:5: routes.config[0].destination: Required value: a network like 198.51.100.0/24, or ` +
			`0.0.0.0/0 for the default route` + "\n" +
			`host.yaml:7:19: routes.config[1].destination: Invalid value: "default": must be a network like ` +
			`198.51.100.0/24, or an address`},
	{"route of the other protocol", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: "2001:db8::1", next-hop-interface: eth0}
  - {destination: "::/0", next-hop-address: "2001:db8::1", next-hop-interface: eth0}
  - {destination: 10.0.0.0/8, next-hop-interface: eth0, source: "2001:db8::1"}
`,
		`host.yaml:6:48: routes.config[0].next-hop-address: Invalid value: "2001:db8::1": must be an IPv4 ` +
			`address, as the destination is` + "\n" +
			`host.yaml:7:80: routes.config[1].next-hop-interface: Invalid value: "eth0": has no IPv6, which the ` +
			`destination is of` + "\n" +
			`host.yaml:8:65: routes.config[2].source: Invalid value: "2001:db8::1": must be an IPv4 address, as the ` +
			`destination is`},
	{"route through a port", `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth0]}, ipv4: {enabled: true, dhcp: true}}
- {name: eth1, state: absent}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-interface: eth0}
  - {destination: 0.0.0.0/0, next-hop-interface: eth1}
`,
		`host.yaml:7:50: routes.config[0].next-hop-interface: Invalid value: "eth0": is a port; the route ` +
			`belongs to bond0` + "\n" +
			`host.yaml:8:50: routes.config[1].next-hop-interface: Invalid value: "eth1": the state of this interface ` +
			`is absent`},
	{"route after a mistake", `
interfaces:
- {name: eth0, ipv4: {enabled: true, address: [{ip: 192.0.2.11}]}}
- {name: eth1, ipv4: {dhcp: true}}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-interface: eth0}
  - {destination: 0.0.0.0/0, next-hop-interface: eth1}
route-rules:
  config: [{ip-from: 10.0.0.0/8}]
dns-resolver:
  config: {server: [192.0.2.53]}
`,
		`host.yaml:3:48: interfaces[0].ipv4.address[0].prefix-length: Required value: the length of the subnet's ` +
			`prefix, like 24` + "\n" +
			`host.yaml:4:16: interfaces[1].ipv4.enabled: Required value: must be true for IPv4`},
	{"route twice", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
routes:
  config:
  - {destination: 10.0.0.0/8, next-hop-address: 192.0.2.1, next-hop-interface: eth0}
  - {destination: 10.1.0.0/8, next-hop-address: 192.0.2.1, next-hop-interface: eth0}
`,
		`host.yaml:7:5: routes.config[1]: Duplicate value: "10.1.0.0/8": the route is there twice`},
	{"route numbers", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}, ipv6: {enabled: true}}
routes:
  config:
  - {destination: 10.0.0.0/8, next-hop-address: 192.0.2.1, next-hop-interface: eth0, metric: -2}
  - {destination: 11.0.0.0/8, next-hop-address: 192.0.2.1, next-hop-interface: eth0, weight: 257}
  - {destination: "2001:db8::/32", next-hop-interface: eth0, weight: 2}
  - {destination: 12.0.0.0/8, next-hop-address: 224.0.0.1, next-hop-interface: eth0}
  - {destination: 13.0.0.0/8, next-hop-interface: eth0, route-type: blackhole}
`,
		`host.yaml:6:94: routes.config[0].metric: Invalid value: -2: must be between 0 and 4294967295, or -1 for ` +
			`the default` + "\n" +
			`host.yaml:7:94: routes.config[1].weight: Invalid value: 257: must be between 1 and 256` + "\n" +
			`host.yaml:8:70: routes.config[2].weight: Forbidden: is for IPv4` + "\n" +
			`host.yaml:9:49: routes.config[3].next-hop-address: Invalid value: "224.0.0.1": is not the address of a ` +
			`gateway` + "\n" +
			`host.yaml:10:69: routes.config[4].route-type: Forbidden: cannot be translated to a profile of ` +
			`NetworkManager`},
	{"rules", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
- {name: eth1, identifier: mac-address, mac-address: "52:54:00:aa:bb:01"}
route-rules:
  config:
  - {route-table: 500}
  - {ip-from: 10.0.0.0/8, ip-to: "2001:db8::/32"}
  - {ip-from: 10.0.0.0/8, family: ipv6}
  - {ip-from: 10.0.0.0/8, fwmask: 1}
  - {ip-from: 10.0.0.0/8, fwmark: red}
  - {ip-from: 10.0.0.0/8, action: blackhole, route-table: 5}
  - {ip-from: 10.0.0.0/8, iif: eth9}
  - {ip-from: 10.0.0.0/8, iif: eth1}
  - {ip-from: 10.0.0.0/8, priority: -5}
  - {ip-from: 10.0.0.0/8, suppress-prefix-length: 33}
  - {ip-from: "2001:db8::/32"}
`,
		`host.yaml:7:5: route-rules.config[0].family: Required value: ipv4 or ipv6, as there is neither ip-from ` +
			`nor ip-to` + "\n" +
			`host.yaml:8:34: route-rules.config[1].ip-to: Invalid value: "2001:db8::/32": ip-from, ip-to and family ` +
			`must be of one protocol` + "\n" +
			`host.yaml:9:15: route-rules.config[2].ip-from: Invalid value: "10.0.0.0/8": ip-from, ip-to and family ` +
			`must be of one protocol` + "\n" +
			`host.yaml:10:5: route-rules.config[3].fwmark: Required value: fwmask has no effect without it` + "\n" +
			`host.yaml:11:35: route-rules.config[4].fwmark: Invalid value: "red": must be a number of 32 bits, like ` +
			`0x20` + "\n" +
			`host.yaml:12:59: route-rules.config[5].route-table: Forbidden: the action blackhole looks nothing up` + "\n" +
			`host.yaml:13:32: route-rules.config[6].iif: Not found: "eth9": no interface has this name` + "\n" +
			`host.yaml:14:32: route-rules.config[7].iif: Invalid value: "eth1": is identified by its MAC address, so ` +
			`its name is not known` + "\n" +
			`host.yaml:15:37: route-rules.config[8].priority: Invalid value: -5: must be between 0 and 4294967295` + "\n" +
			`host.yaml:16:51: route-rules.config[9].suppress-prefix-length: Invalid value: 33: is longer than an ` +
			`address` + "\n" +
			`host.yaml:17:5: route-rules.config[10]: Not found: "IPv6": no interface has addresses of this protocol`},
	{"dns", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
dns-resolver:
  config:
    server: [ns.example.org]
    search: ["-"]
    options: [fast]
`,
		`host.yaml:6:14: dns-resolver.config.server[0]: Invalid value: "ns.example.org": must be an IP address` + "\n" +
			`host.yaml:7:14: dns-resolver.config.search[0]: Invalid value: "-": must be a DNS name` + "\n" +
			`host.yaml:8:15: dns-resolver.config.options[0]: Invalid value: "fast": must be an option of ` +
			`resolv.conf, like rotate or timeout:1`},
	{"dns without an interface", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
dns-resolver:
  config: {server: ["2001:db8::53"]}
`,
		`host.yaml:5:12: dns-resolver.config.server: Not found: "IPv6": no interface has addresses of this ` +
			`protocol, which the servers are of`},
	{"dns back and forth", `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}, ipv6: {enabled: true, dhcp: true}}
dns-resolver:
  config: {server: [192.0.2.53, "2001:db8::53", 192.0.2.54]}
`,
		`host.yaml:5:12: dns-resolver.config.server: Invalid value: "192.0.2.53 2001:db8::53 192.0.2.54": must ` +
			`not go back and forth between IPv4 and IPv6: NetworkManager orders servers by protocol`},
	{"dns link local", `
interfaces:
- {name: eth0, ipv6: {enabled: true}}
dns-resolver:
  config: {server: ["fe80::53"]}
`,
		`host.yaml:5:21: dns-resolver.config.server[0]: Invalid value: "fe80::53": must name its interface, like ` +
			`fe80::1%eth0`},
	{"dns of an interface with link-local addresses", `
interfaces:
- {name: eth0, ipv6: {enabled: true}}
dns-resolver:
  config: {server: ["fe80::53%eth0"]}
`,
		`host.yaml:5:12: dns-resolver.config.server: Invalid value: "eth0": no interface of this name has IPv6 ` +
			`with more than link-local addresses, without which NetworkManager takes no name servers`},
	{"not yaml", `
interfaces: [
`,
		`host.yaml:2:1: Invalid value: not YAML: did not find expected node content`},
}

// warned are configurations that are translated, and what is said about them.
var warned = []struct{ name, text, want string }{
	{"gateway outside of every subnet", `
interfaces:
- {name: eth0, ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: 198.51.100.1, next-hop-interface: eth0}
`,
		`host.yaml:6:48: routes.config[0].next-hop-address: "198.51.100.1": is in no subnet of ` +
			`the interface`},
	{"no addresses", `
interfaces:
- {name: eth0, ipv4: {enabled: true}}
`,
		`host.yaml:3:32: interfaces[0].ipv4.enabled: true: there is neither dhcp nor an address, ` +
			`so the interface has no IPv4`},
	{"link local address", `
interfaces:
- {name: eth0, ipv6: {enabled: true, address: [{ip: "fe80::1", prefix-length: 64}]}}
`,
		`host.yaml:3:53: interfaces[0].ipv6.address[0].ip: "fe80::1": is a link-local address, ` +
			`which the interface makes for itself; ignored`},
	{"dhcp options without dhcp", `
interfaces:
- {name: eth0, ipv6: {enabled: true, auto-dns: true, auto-gateway: false, auto-route-table-id: 5}}
`,
		`host.yaml:3:48: interfaces[0].ipv6.auto-dns: "...": has no effect without dhcp` + "\n" +
			`host.yaml:3:96: interfaces[0].ipv6.auto-route-table-id: "...": has no effect without dhcp`},
}
