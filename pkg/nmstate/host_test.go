package nmstate_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// hosts is a file that has the configuration of several hosts, as an agent-config has.
type hosts struct {
	Hosts []struct {
		NetworkConfig *nmstate.Config `json:"networkConfig,omitempty"`
	} `json:"hosts"`
}

func TestTranslatePath(t *testing.T) {
	const text = `
hosts:
- networkConfig: {interfaces: [{name: eth0, ipv4: {enabled: true, dhcp: true}}]}
- {}
- networkConfig:
    interfaces:
    - name: br-ex
      ovs-bridge: {}
    hostname: {config: a}
    routes:
      config: [{destination: 0.0.0.0/0, next-hop-interface: eth7}]
`
	r := report.New("agent-config.yaml")
	var c hosts
	if !decode.Into(&c, []byte(text), decode.Options{}, r) {
		t.Fatal(r.Err())
	}
	at := report.NewPath("hosts")
	if files := nmstate.Translate(c.Hosts[0].NetworkConfig, nil, r, at.Index(0).Child("networkConfig")); len(files) != 1 {
		t.Errorf("host 0 has %d keyfiles: %v", len(files), r.Err())
	}
	if files := nmstate.Translate(c.Hosts[2].NetworkConfig, nil, r, at.Index(2).Child("networkConfig")); files != nil {
		t.Errorf("host 2 has %d keyfiles", len(files))
	}
	const refused = "Forbidden: cannot be translated to a profile of NetworkManager; "
	want := "agent-config.yaml:8:7: hosts[2].networkConfig.interfaces[0].ovs-bridge: " + refused +
		"Open vSwitch is set up by the cluster\n" +
		"agent-config.yaml:9:5: hosts[2].networkConfig.hostname: " + refused + "set the hostname of the host instead\n" +
		"agent-config.yaml:11:61: hosts[2].networkConfig.routes.config[0].next-hop-interface: " +
		`Not found: "eth7": no interface has this name`
	if got := strings.Join(r.Lines(false), "\n"); got != want {
		t.Errorf("got:  %s\nwant: %s", got, want)
	}
}

func TestTranslateNICs(t *testing.T) {
	const text = `
interfaces:
- {name: eth0, ipv4: {enabled: true, dhcp: true}}
- {name: eth2}
- {name: byMAC, identifier: mac-address, mac-address: "52:54:00:aa:bb:09"}
- {name: bond0, type: bond, link-aggregation: {mode: 1, port: [eth3]}}
- {name: eth4, state: absent}
- {name: eth1, type: dummy}
`
	r := report.New("host.yaml")
	c := &nmstate.Config{}
	if !decode.Into(c, []byte(text), decode.Options{}, r) {
		t.Fatal(r.Err())
	}
	nmstate.Translate(c, []keyfile.NIC{{Name: "eth0"}, {Name: "eth1"}}, r, report.Path{})
	const unknown = "no network card is listed with this name, so it must be its name in Linux"
	want := `host.yaml:4:10: interfaces[1].name: "eth2": ` + unknown + "\n" +
		`host.yaml:6:64: interfaces[3].link-aggregation.port[0]: "eth3": ` + unknown
	if got := strings.Join(r.Lines(true), "\n"); got != want {
		t.Errorf("got:  %s\nwant: %s", got, want)
	}
	want = `host.yaml:8:10: interfaces[5].name: Invalid value: "eth1": is the name of a network card, and this is a dummy`
	if got := strings.Join(r.Lines(false), "\n"); got != want {
		t.Errorf("got:  %s\nwant: %s", got, want)
	}
}

func TestTooMany(t *testing.T) {
	for _, list := range []string{"interfaces: [%s]", "routes: {config: [%s]}", "route-rules: {config: [%s]}"} {
		text := strings.Replace(list, "%s", strings.Repeat("{},", 1001), 1)
		_, r := nmstate.Read("host.yaml", []byte(text))
		if lines := r.Lines(false); len(lines) != 1 || !strings.Contains(lines[0], "Too many: 1001: must have at most 1000") {
			t.Errorf("%s: %q", list, lines)
		}
	}
}
