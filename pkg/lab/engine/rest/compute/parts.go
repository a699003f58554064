package compute

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/infra"
)

func vmTags(c *rest.Call, vm *model.VM) []*api.Element {
	var out []*api.Element
	for _, id := range vm.Tags {
		if t := c.State.Tags[id]; t != nil {
			out = append(out, infra.TagXML(t, "vms/"+vm.ID+"/tags").Refer("vm", "vms", vm.ID))
		}
	}
	return out
}

func addVMTag(c *rest.Call, vm *model.VM, in *api.Tag) (*api.Element, error) {
	t, err := rest.Known(c.TagByRef(in.ID, in.Name))
	if err != nil {
		return nil, err
	}
	vm.Tags = datacenter.With(vm.Tags, t.ID)
	c.Done("Attaching Tag %s to VM %s", t.Name, vm.Name)
	return rest.Pick(vmTags(c, vm), t.ID)
}

func removeVMTag(c *rest.Call, vm *model.VM) (*api.Element, error) {
	if !slices.Contains(vm.Tags, c.ID("tag")) {
		return nil, refuse.NotFound()
	}
	vm.Tags = datacenter.Without(vm.Tags, c.ID("tag"))
	return c.Completed("Detaching Tag from VM %s", vm.Name)
}

// consoleID is the ID of a console: the protocol in hexadecimal, as the engine
// has it.
func consoleID(protocol string) string { return hex.EncodeToString([]byte(protocol)) }

func vmConsoles(_ *rest.Call, vm *model.VM) []*api.Element {
	return api.Each(vm.Consoles, func(protocol string) *api.Element {
		return api.Object("graphics_console", "vms/"+vm.ID+"/graphicsconsoles", consoleID(protocol)).
			Set("protocol", protocol).Refer("vm", "vms", vm.ID)
	})
}

func removeConsole(c *rest.Call, vm *model.VM) (*api.Element, error) {
	if err := c.Unlocked("remove Graphics Device", vm); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(vm.Consoles, func(protocol string) bool { return consoleID(protocol) == c.ID("console") })
	if i < 0 {
		return nil, refuse.NotFound()
	}
	vm.Consoles = slices.Delete(vm.Consoles, i, i+1)
	return c.Completed("Removing Graphics Device from VM %s", vm.Name)
}

// reported is what the guest agent reports: one device per network card, with
// all addresses on the first, because the lab's machines do not tell more.
func reported(c *rest.Call, vm *model.VM) []*api.Element {
	if vm.Status != model.VMUp || vm.Stuck {
		return nil
	}
	addresses := c.Addresses(vm)
	if addresses == nil {
		return nil
	}
	ips := api.Each(addresses, func(a netip.Addr) *api.Element {
		version := "v4"
		if a.Is6() {
			version = "v6"
		}
		return api.New("ip").Set("address", a.String()).Set("version", version)
	})
	var out []*api.Element
	for i, n := range vm.NICs {
		out = append(out, api.Object("reported_device", "vms/"+vm.ID+"/reporteddevices", n.ID).
			Set("name", fmt.Sprint("eth", i%10)).Some("ips", ips).
			Add(api.New("mac").Set("address", n.MAC)).Set("type", "network").Refer("vm", "vms", vm.ID))
		ips = nil
	}
	return out
}
