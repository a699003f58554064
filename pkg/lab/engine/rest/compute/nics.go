package compute

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// nicXML is the document of a network card of a VM or, without MAC, of a template.
func nicXML(n *model.NIC, collection, vm string) *api.Element {
	out := api.Object("nic", collection, n.ID).Links("networkfilterparameters", "statistics").
		Set("name", n.Name).Set("comment", n.Comment).Set("interface", n.Interface).Set("linked", n.Linked)
	if n.MAC != "" {
		out.Add(api.New("mac").Set("address", n.MAC))
	}
	return out.Set("plugged", n.Plugged).Refer("vm", "vms", vm).Refer("vnic_profile", "vnicprofiles", n.Profile)
}

func vmNICs(_ *rest.Call, vm *model.VM) []*api.Element {
	return api.Each(vm.NICs, func(n *model.NIC) *api.Element { return nicXML(n, "vms/"+vm.ID+"/nics", vm.ID) })
}

// card is a network card with its VM.
type card struct {
	vm *model.VM
	*model.NIC
}

func nicOf(c *rest.Call) (card, error) {
	vm, err := vmOf(c)
	if err != nil {
		return card{}, err
	}
	n, err := rest.Known(model.Find(vm.NICs, func(n *model.NIC) bool { return n.ID == c.ID("nic") }))
	return card{vm, n}, err
}

func addNIC(c *rest.Call, vm *model.VM, in *api.NIC) (*api.Element, error) {
	const action refuse.Action = "add Interface"
	if in.Name == nil {
		return nil, refuse.Incomplete("Nic [name]", "add")
	}
	n := &model.NIC{ID: datacenter.NewID(), Interface: "virtio", Plugged: true, Linked: true}
	if err := cmp.Or(c.Unlocked(action, vm), applyNIC(c, action, vm, n, in)); err != nil {
		return nil, err
	}
	if n.MAC == "" {
		var err error
		if n.MAC, err = c.FreeMAC(); err != nil {
			return nil, err
		}
	}
	if vm.Status != model.VMDown && n.Plugged {
		// The lab's machines get their cards when they are switched on.
		return nil, action.Conflict("Failed to hot-plug interface: VM is running.")
	}
	vm.NICs = append(vm.NICs, n)
	c.Done("Adding Network Interface %s to VM %s", n.Name, vm.Name)
	return rest.Pick(vmNICs(c, vm), n.ID)
}

func updateNIC(c *rest.Call, n card, in *api.NIC) (*api.Element, error) {
	const action refuse.Action = "edit Interface"
	changed := *n.NIC
	if err := cmp.Or(c.Unlocked(action, n.vm), applyNIC(c, action, n.vm, &changed, in)); err != nil {
		return nil, err
	}
	same := changed.MAC == n.MAC && changed.Profile == n.Profile && changed.Plugged == n.Plugged
	if n.vm.Status != model.VMDown && !same {
		return nil, action.Conflict("VM is running.")
	}
	*n.NIC = changed
	c.Done("Editing Network Interface %s of VM %s", n.Name, n.vm.Name)
	return rest.Pick(vmNICs(c, n.vm), n.ID)
}

func applyNIC(c *rest.Call, action refuse.Action, vm *model.VM, n *model.NIC, in *api.NIC) error {
	if in.Name != nil {
		if *in.Name == "" {
			return action.Invalid("The interface name may not be empty.")
		}
		for _, other := range vm.NICs {
			if other.Name == *in.Name && other.ID != n.ID {
				return action.Conflict("The network interface name is already in use, " +
					"please choose a unique name and try again.")
			}
		}
		n.Name = *in.Name
	}
	if in.MAC != nil {
		mac := strings.ToLower(*in.MAC)
		if !isMAC.MatchString(mac) {
			return action.Invalid("The MAC address %q is not valid.", *in.MAC)
		}
		if mac != n.MAC && slices.Contains(c.UsedMACs(), mac) {
			return action.Conflict("MAC Address %s is already in use.", mac)
		}
		n.MAC = mac
	}
	if in.VNICProfile != nil {
		if id := in.VNICProfile.ID; id != "" && c.State.Profiles[id] == nil {
			return action.Invalid("The specified VM Interface Profile doesn't exist.")
		}
		n.Profile = in.VNICProfile.ID
	}
	rest.Set(&n.Interface, in.Interface)
	rest.Set(&n.Linked, in.Linked)
	rest.Set(&n.Plugged, in.Plugged)
	rest.Set(&n.Comment, in.Comment)
	return nil
}

// isMAC takes any six bytes: the engine's own check lets multicast addresses
// through, too.
var isMAC = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`)

func removeNIC(c *rest.Call, n card) (*api.Element, error) {
	const action refuse.Action = "remove Interface"
	if err := cmp.Or(
		c.Unlocked(action, n.vm),
		action.ConflictIf(n.vm.Status != model.VMDown && n.Plugged,
			"The VM Network Interface is plugged to a running VM."),
	); err != nil {
		return nil, err
	}
	n.vm.NICs = slices.DeleteFunc(n.vm.NICs, func(x *model.NIC) bool { return x == n.NIC })
	return c.Completed("Removing Network Interface %s from VM %s", n.Name, n.vm.Name)
}
