package compute

import (
	"encoding/hex"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// consoleID is how the engine names consoles: the protocol in hexadecimal.
func consoleID(protocol string) string { return hex.EncodeToString([]byte(protocol)) }

func consoles(vm *model.VM) []*api.GraphicsConsole {
	var out []*api.GraphicsConsole
	for _, protocol := range vm.Consoles {
		id := consoleID(protocol)
		out = append(out, &api.GraphicsConsole{Href: rest.Href("vms", vm.ID, "graphicsconsoles", id), ID: id, Protocol: protocol, VM: api.To("vms", vm.ID)})
	}
	return out
}

func listConsoles(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	return rest.List("graphics_consoles", consoles(vm))
}

func getConsole(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	for _, x := range consoles(vm) {
		if x.ID == c.ID("console") {
			return x, nil
		}
	}
	return nil, refuse.NotFound()
}

func removeConsole(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	if err := c.Unlocked("remove Graphics Device", vm); err != nil {
		return nil, err
	}
	for _, protocol := range vm.Consoles {
		if consoleID(protocol) == c.ID("console") {
			vm.Consoles = datacenter.Without(vm.Consoles, protocol)
			c.Done("Removing Graphics Device from VM %s", vm.Name)
			return rest.Complete(nil), nil
		}
	}
	return nil, refuse.NotFound()
}

// reported is what the guest agent tells: one device per network card, all
// addresses on the first, because the lab's machines do not say more.
func reported(c *rest.Call, vm *model.VM) []*api.ReportedDevice {
	if vm.Status != model.VMUp || vm.Stuck {
		return nil
	}
	addresses := c.Addresses(vm)
	if addresses == nil {
		return nil
	}
	var out []*api.ReportedDevice
	for i, n := range vm.NICs {
		d := &api.ReportedDevice{ID: n.ID, Href: rest.Href("vms", vm.ID, "reporteddevices", n.ID), Name: "eth" + string(rune('0'+i%10)),
			MAC: &api.MAC{Address: n.MAC}, Type: "network", VM: api.To("vms", vm.ID)}
		if i == 0 {
			var ips []api.IP
			for _, a := range addresses {
				version := "v4"
				if a.Is6() {
					version = "v6"
				}
				ips = append(ips, api.IP{Address: api.Ptr(a.String()), Version: &version})
			}
			d.IPs = api.Some(ips)
		}
		out = append(out, d)
	}
	return out
}

func listReportedDevices(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	return rest.List("reported_devices", reported(c, vm))
}
