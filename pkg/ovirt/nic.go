package ovirt

import (
	"context"
	"net/netip"
	"slices"

	sdk "github.com/ovirt/go-ovirt"
)

// HasNIC reports whether a machine has a network card.
func (c *Client) HasNIC(ctx context.Context, vmID string) (bool, error) {
	cards, err := call(ctx, c, "list network cards", repeatable, func(e *engine) *sdk.VmNicsServiceListRequest {
		return e.VmsService().VmService(vmID).NicsService().List()
	}, func(r *sdk.VmNicsServiceListResponse) ([]string, bool) { return ids(r.Nics()), true })
	return len(cards) > 0, err
}

// AddNIC plugs a network card into a machine.
func (c *Client) AddNIC(ctx context.Context, vmID, name, profileID string) error {
	return order(ctx, c, "add network card "+name, single, func(e *engine) *sdk.VmNicsServiceAddRequest {
		nic := sdk.NewNicBuilder().Name(name).
			VnicProfileBuilder(sdk.NewVnicProfileBuilder().Id(profileID)).MustBuild()
		return e.VmsService().VmService(vmID).NicsService().Add().Nic(nic)
	})
}

// Addresses returns what the guest agent reports. Images without one report
// nothing, so nothing may depend on it.
func (c *Client) Addresses(ctx context.Context, vmID string) ([]netip.Addr, error) {
	const op = "read reported devices"
	devices, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.VmReportedDevicesServiceListRequest {
		return e.VmsService().VmService(vmID).ReportedDevicesService().List()
	}, all((*sdk.VmReportedDevicesServiceListResponse).ReportedDevice, addressesFrom))
	return slices.Concat(devices...), err
}

// addressesFrom are the addresses of a device that others can reach.
func addressesFrom(d *sdk.ReportedDevice) []netip.Addr {
	found, ok := d.Ips()
	addresses := each(found, ok, func(ip *sdk.Ip) netip.Addr {
		a, _ := netip.ParseAddr(val(ip.Address())) // what is none is not valid
		return a
	})
	return only(addresses, func(a netip.Addr) bool {
		return a.IsValid() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
	})
}
