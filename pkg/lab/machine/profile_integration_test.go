//go:build integration

package machine_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine"
)

// staticProfile is a network without DHCP.
const staticProfile = `[connection]
id=ens3
type=ethernet
interface-name=ens3

[ipv4]
method=manual
address1=198.18.0.77/24,198.18.0.1
dns=198.18.0.1;
dns-search=okd.test;

[ipv6]
method=disabled
`

const recordEvents = `#!/bin/sh
[ "$1 $2" != "ens3 up" ] || echo "$IP4_ADDRESS_0 $IP4_NAMESERVERS" >>/run/dispatched
`

// withProfile is the config of a system that NetworkManager configures, and that
// runs a unit.
func withProfile(unit, command string) string {
	data := func(text string) string { return "data:," + url.PathEscape(text) }
	return `{"ignition": {"version": "3.2.0"},
  "storage": {"files": [
    {"path": "/etc/NetworkManager/system-connections/ens3.nmconnection", "mode": 384,
     "contents": {"source": "` + data(staticProfile) + `"}},
    {"path": "/etc/NetworkManager/dispatcher.d/30-test", "mode": 493,
     "contents": {"source": "` + data(recordEvents) + `"}},
    {"path": "/root/disk.ign", "contents": {"source": "` + data(installed) + `"}}
  ]},
  "systemd": {"units": [{"name": "` + unit + `", "enabled": true, "contents": "[Unit]\nWants=network-online.target\n` +
		`After=network-online.target\n[Service]\nType=oneshot\n` + command + `[Install]\nWantedBy=multi-user.target\n"}]}}`
}

// installed is the config of a system whose network is not in its config.
const installed = `{"ignition": {"version": "3.2.0"}, "storage": {"files": [
  {"path": "/etc/hostname", "contents": {"source": "data:,installed"}}]}}`

// TestNetworkProfile starts a live system with a static network, which installs
// with --copy-network, and then the installed one: NetworkManager configures both,
// and the network does so in no other way.
func TestNetworkProfile(t *testing.T) {
	l := newLab(t)
	hw := l.vm("profile", "")
	if err := l.volumes.Create(t.Context(), "empty", 4<<30); err != nil {
		t.Fatal(err)
	}
	hw.Disks[0].ID = "empty"
	hw.Media = &engine.Media{Volume: "template", Ignition: []byte(withProfile("install.service",
		`ExecStart=/bin/sh -c 'until [ -e /root/go-on ]; do sleep 0.1; done'\n`+
			`ExecStart=/usr/bin/coreos-installer install --copy-network -i /root/disk.ign /dev/sda\n`+
			`ExecStart=/usr/bin/systemctl reboot\n`))}
	if err := l.sup.Start(t.Context(), hw); err != nil {
		t.Fatal(err)
	}
	l.eventually("the live system's network", func() bool {
		_, err := l.run(hw.ID, "systemctl", "is-active", "--quiet", "network-online.target")
		return err == nil
	})
	l.hasProfile(hw.ID)
	out, err := l.run(hw.ID, "cat", "/run/dispatched")
	if err != nil || out != "198.18.0.77/24 198.18.0.1 198.18.0.1" {
		t.Errorf("dispatcher scripts got %q, %v", out, err)
	}
	if out, err := l.run(hw.ID, "touch", "/root/go-on"); err != nil {
		t.Fatal(err, out)
	}
	l.eventually("the system that was installed", func() bool {
		name, err := l.run(hw.ID, "sh", "-c", "hostname && systemctl is-active --quiet multi-user.target")
		return err == nil && name == "installed"
	})
	l.hasProfile(hw.ID)
}

// hasProfile checks that the network is the profile's.
func (l *lab) hasProfile(id string) {
	l.t.Helper()
	l.eventually("the address of the profile", func() bool {
		out, err := l.run(id, "ip", "-4", "-o", "address", "show", "dev", "ens3")
		return err == nil && strings.Contains(out, "198.18.0.77/24")
	})
	for _, want := range []struct{ name, command, out string }{
		{"one address", "ip -4 -o address show dev ens3 | wc -l", "1"},
		{"the profile's route", "ip route show default", "default via 198.18.0.1 dev ens3 proto static metric 100"},
		{
			"the profile's name server", "grep -v '^#' /etc/resolv.conf | tr '\\n' ' '",
			"search okd.test nameserver 198.18.0.1",
		},
		{"no systemd-networkd", "systemctl is-active systemd-networkd.service", "inactive"},
		{"mode of the profile", "stat -c %a /etc/NetworkManager/system-connections/ens3.nmconnection", "600"},
		{"no failed unit", "systemctl list-units --failed --no-legend --plain", ""},
	} {
		if out, _ := l.run(id, "sh", "-c", want.command); strings.TrimSpace(out) != want.out {
			l.t.Errorf("%s: %q, want %q", want.name, out, want.out)
		}
	}
}
