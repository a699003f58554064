package ovirt

import (
	"context"
	"net/netip"

	ovirtsdk "github.com/ovirt/go-ovirt"
)

// NIC is a network card of a machine.
type NIC struct{ ID, Name, MAC, ProfileID string }

// NICs lists a machine's network cards.
func (c *Client) NICs(ctx context.Context, vmID string) ([]NIC, error) {
	return ask(ctx, c, "list network cards", func(s *session) ([]NIC, error) {
		var out []NIC
		resp, err := s.api.VmsService().VmService(vmID).NicsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Nics(); ok {
			for _, n := range list.Slice() {
				nic := NIC{}
				nic.ID, _ = n.Id()
				nic.Name, _ = n.Name()
				if mac, ok := n.Mac(); ok {
					nic.MAC, _ = mac.Address()
				}
				if p, ok := n.VnicProfile(); ok {
					nic.ProfileID, _ = p.Id()
				}
				out = append(out, nic)
			}
		}
		return out, nil
	})
}

// AddNIC plugs a network card into a machine.
func (c *Client) AddNIC(ctx context.Context, vmID, name, profileID string) error {
	return c.write(ctx, "add network card "+name, func(s *session) error {
		nic := ovirtsdk.NewNicBuilder().Name(name).
			VnicProfileBuilder(ovirtsdk.NewVnicProfileBuilder().Id(profileID)).MustBuild()
		_, err := s.api.VmsService().VmService(vmID).NicsService().Add().Nic(nic).Send()
		return err
	})
}

// Addresses returns what the guest agent reports. Images without one report
// nothing, so nothing may depend on it.
func (c *Client) Addresses(ctx context.Context, vmID string) ([]netip.Addr, error) {
	return ask(ctx, c, "read reported devices", func(s *session) ([]netip.Addr, error) {
		var out []netip.Addr
		resp, err := s.api.VmsService().VmService(vmID).ReportedDevicesService().List().Send()
		if err != nil {
			return nil, err
		}
		list, ok := resp.ReportedDevice()
		if !ok {
			return out, nil
		}
		for _, d := range list.Slice() {
			ips, ok := d.Ips()
			if !ok {
				continue
			}
			for _, ip := range ips.Slice() {
				text, _ := ip.Address()
				if a, err := netip.ParseAddr(text); err == nil && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
					out = append(out, a)
				}
			}
		}
		return out, nil
	})
}
