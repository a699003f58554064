package compute

import (
	"encoding/hex"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// consoleID is the ID of a console: the protocol in hexadecimal, as the engine
// has it.
func consoleID(protocol string) string { return hex.EncodeToString([]byte(protocol)) }

func vmConsoles(_ *rest.Call, vm *model.VM) []*api.GraphicsConsole {
	var out []*api.GraphicsConsole
	for _, protocol := range vm.Consoles {
		id := consoleID(protocol)
		out = append(out, &api.GraphicsConsole{
			Href: rest.Href("vms", vm.ID, "graphicsconsoles", id), ID: id, Protocol: protocol, VM: api.To("vms", vm.ID),
		})
	}
	return out
}

func removeConsole(c *rest.Call, vm *model.VM) (any, error) {
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

// reported is what the guest agent reports: one device per network card, with
// all addresses on the first, because the lab's machines do not tell more.
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
		d := &api.ReportedDevice{
			ID: n.ID, Href: rest.Href("vms", vm.ID, "reporteddevices", n.ID), Name: "eth" + string(rune('0'+i%10)),
			MAC: &api.MAC{Address: n.MAC}, Type: "network", VM: api.To("vms", vm.ID),
		}
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
