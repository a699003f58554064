package machine

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/lab/firmware"
	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// profiles is where a system has its network profiles. An installer that copies
// those of the live system puts them there.
const profiles = "etc/NetworkManager/system-connections"

// connect gives the initramfs of an installed system its network, and returns the
// resolver's configuration: fixed addresses, if the system has profiles with some,
// as NetworkManager in the initramfs of CoreOS would, or else DHCP.
func (m *machine) connect(ctx context.Context) (resolver []byte, err error) {
	list, err := firmware.Profiles(filepath.Join(m.root(), profiles))
	if err != nil {
		return nil, err
	}
	var fixed bool
	var search []string
	var b bytes.Buffer
	for _, p := range list {
		switch {
		case p.Type != firmware.Ethernet:
			m.note("network profile %s of type %q is not used here", p.Name, p.Type)
			continue
		case p.Method != "manual" || len(p.Addresses) == 0:
			continue
		}
		if err := m.apply(ctx, p); err != nil {
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
	lease, err := m.lease(ctx)
	if err != nil {
		return nil, err
	}
	return resolvConf(lease), nil
}

// apply sets up the card of a profile. A profile without a card is not an error:
// NetworkManager waits for such a card and does without.
func (m *machine) apply(ctx context.Context, p firmware.Profile) error {
	for _, c := range m.cables() {
		if !p.Matches(firmware.Card{Name: c.Interface, MAC: c.MAC}) {
			continue
		}
		lines := []string{"link set lo up", "link set " + c.Interface + " up"}
		for _, a := range p.Addresses {
			m.note("address %s on %s", a, c.Interface)
			lines = append(lines, fmt.Sprintf("addr replace %s dev %s", a, c.Interface))
		}
		if p.Gateway.IsValid() {
			lines = append(lines, fmt.Sprintf("route replace default via %s dev %s", p.Gateway, c.Interface))
		}
		return netns.IP(ctx, c.Namespace, lines...)
	}
	m.note("there is no network card for profile %s", p.Name)
	return nil
}

// disconnect leaves the network cards to the system as the firmware found them.
func (m *machine) disconnect(ctx context.Context) error {
	for _, c := range m.cables() {
		err := netns.IP(ctx, c.Namespace, "addr flush dev "+c.Interface, "link set "+c.Interface+" down")
		if err != nil {
			return err
		}
	}
	return nil
}
