// Package uplink is the network of a machine before its own system runs: what its
// initramfs sets up to fetch a config.
package uplink

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/firmware"
	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// Uplink is the network cards of a machine.
type Uplink struct {
	Namespace string // file of the machine's network namespace
	Cards     []firmware.Card
	Clock     clock.Clock
	Note      func(format string, args ...any) // prints a line on the console
}

// Profiles is where a system has its network profiles. An installer that copies
// those of the live system puts them there.
const Profiles = "etc/NetworkManager/system-connections"

// Up connects the machine, and returns the resolver's configuration. It has fixed
// addresses, if the system at root has profiles with some, as with NetworkManager in
// the initramfs of CoreOS, or else one by DHCP.
func (u Uplink) Up(ctx context.Context, root string) (resolver []byte, err error) {
	list, err := firmware.Profiles(filepath.Join(root, Profiles))
	if err != nil {
		return nil, err
	}
	var fixed bool
	var search []string
	var b bytes.Buffer
	for _, p := range list {
		switch {
		case p.Type != firmware.Ethernet:
			u.Note("network profile %s of type %q is not used here", p.Name, p.Type)
			continue
		case p.Method != "manual" || len(p.Addresses) == 0:
			continue
		}
		if err := u.apply(ctx, p); err != nil {
			return nil, err
		}
		fixed = true
		search = append(search, p.Search...)
		for _, a := range p.DNS {
			fmt.Fprintf(&b, "nameserver %s\n", a)
		}
	}
	if fixed {
		for _, name := range search {
			fmt.Fprintf(&b, "search %s\n", name)
		}
		return b.Bytes(), nil
	}
	lease, err := u.lease(ctx)
	if err != nil {
		return nil, err
	}
	return resolvConf(lease), nil
}

// apply sets up the card of a profile. A profile without a card is not an error:
// NetworkManager waits for such a card and does without.
func (u Uplink) apply(ctx context.Context, p firmware.Profile) error {
	for _, c := range u.Cards {
		if !p.Matches(c) {
			continue
		}
		lines := []string{"link set lo up", "link set " + c.Name + " up"}
		for _, a := range p.Addresses {
			u.Note("address %s on %s", a, c.Name)
			lines = append(lines, fmt.Sprintf("addr replace %s dev %s", a, c.Name))
		}
		if p.Gateway.IsValid() {
			lines = append(lines, fmt.Sprintf("route replace default via %s dev %s", p.Gateway, c.Name))
		}
		return netns.IP(ctx, u.Namespace, lines...)
	}
	u.Note("there is no network card for profile %s", p.Name)
	return nil
}

// Down leaves the network cards to the system as the firmware found them.
func (u Uplink) Down(ctx context.Context) error {
	for _, c := range u.Cards {
		err := netns.IP(ctx, u.Namespace, "addr flush dev "+c.Name, "link set "+c.Name+" down")
		if err != nil {
			return err
		}
	}
	return nil
}
