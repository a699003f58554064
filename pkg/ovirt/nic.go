package ovirt

import (
	"context"
	"net/netip"

	sdk "github.com/ovirt/go-ovirt"
)

// NIC is a network card of a machine.
type NIC struct{ ID, Name, MAC, ProfileID string }

// NICs lists a machine's network cards.
func (c *Client) NICs(ctx context.Context, vmID string) ([]NIC, error) {
	resp, err := call(ctx, c, "list network cards", repeatable, func(e *engine) *sdk.VmNicsServiceListRequest {
		return e.VmsService().VmService(vmID).NicsService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Nics()
	return all(list, ok, nicFrom), nil
}

func nicFrom(n *sdk.Nic) NIC {
	out := NIC{}
	out.ID, _ = n.Id()
	out.Name, _ = n.Name()
	if mac, ok := n.Mac(); ok {
		out.MAC, _ = mac.Address()
	}
	if p, ok := n.VnicProfile(); ok {
		out.ProfileID, _ = p.Id()
	}
	return out
}

// AddNIC plugs a network card into a machine.
func (c *Client) AddNIC(ctx context.Context, vmID, name, profileID string) error {
	return ignore(call(ctx, c, "add network card "+name, single, func(e *engine) *sdk.VmNicsServiceAddRequest {
		nic := sdk.NewNicBuilder().Name(name).
			VnicProfileBuilder(sdk.NewVnicProfileBuilder().Id(profileID)).MustBuild()
		return e.VmsService().VmService(vmID).NicsService().Add().Nic(nic)
	}))
}

// Addresses returns what the guest agent reports. Images without one report
// nothing, so nothing may depend on it.
func (c *Client) Addresses(ctx context.Context, vmID string) ([]netip.Addr, error) {
	const op = "read reported devices"
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.VmReportedDevicesServiceListRequest {
		return e.VmsService().VmService(vmID).ReportedDevicesService().List()
	})
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
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
}
