package compute

import (
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func nicXML(n *model.NIC, owner string) *api.NIC {
	base := rest.Href(owner, "nics", n.ID)
	out := &api.NIC{
		Href: base, ID: n.ID, Links: rest.Links(base, "networkfilterparameters", "statistics"),
		Name: &n.Name, Comment: &n.Comment, Interface: &n.Interface, Linked: &n.Linked, Plugged: &n.Plugged,
		VNICProfile: api.To("vnicprofiles", n.Profile),
	}
	if n.MAC != "" {
		out.MAC = &api.MAC{Address: n.MAC}
	}
	return out
}

func vmNICs(_ *rest.Call, vm *model.VM) []*api.NIC {
	var out []*api.NIC
	for _, n := range vm.NICs {
		x := nicXML(n, "vms/"+vm.ID)
		x.VM = api.To("vms", vm.ID)
		out = append(out, x)
	}
	return out
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
	n := model.Find(vm.NICs, func(n *model.NIC) bool { return n.ID == c.ID("nic") })
	if n == nil {
		return card{}, refuse.NotFound()
	}
	return card{vm, n}, nil
}

func addNIC(c *rest.Call, vm *model.VM, in *api.NIC) (any, error) {
	const action = "add Interface"
	if in.Name == nil {
		return nil, refuse.Incomplete("Nic [name]", "add")
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	n := &model.NIC{ID: datacenter.NewID(), Interface: "virtio", Plugged: true, Linked: true}
	if err := applyNIC(c, action, vm, n, in); err != nil {
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
		return nil, refuse.Conflict("Cannot %s. Failed to hot-plug interface: VM is running.", action)
	}
	vm.NICs = append(vm.NICs, n)
	c.Done("Adding Network Interface %s to VM %s", n.Name, vm.Name)
	return rest.Pick(vmNICs(c, vm), n.ID)
}

func updateNIC(c *rest.Call, n card, in *api.NIC) (any, error) {
	const action = "edit Interface"
	if err := c.Unlocked(action, n.vm); err != nil {
		return nil, err
	}
	changed := *n.NIC
	if err := applyNIC(c, action, n.vm, &changed, in); err != nil {
		return nil, err
	}
	same := changed.MAC == n.MAC && changed.Profile == n.Profile && changed.Plugged == n.Plugged
	if n.vm.Status != model.VMDown && !same {
		return nil, refuse.Conflict("Cannot %s. VM is running.", action)
	}
	*n.NIC = changed
	c.Done("Editing Network Interface %s of VM %s", n.Name, n.vm.Name)
	return rest.Pick(vmNICs(c, n.vm), n.ID)
}

func applyNIC(c *rest.Call, action string, vm *model.VM, n *model.NIC, in *api.NIC) error {
	if in.Name != nil {
		if *in.Name == "" {
			return refuse.Invalid("Cannot %s. The interface name may not be empty.", action)
		}
		for _, other := range vm.NICs {
			if other.Name == *in.Name && other.ID != n.ID {
				return refuse.Conflict("Cannot %s. The network interface name is already in use, "+
					"please choose a unique name and try again.", action)
			}
		}
		n.Name = *in.Name
	}
	if in.MAC != nil {
		mac := strings.ToLower(in.MAC.Address)
		if !isMAC.MatchString(mac) {
			return refuse.Invalid("Cannot %s. The MAC address %q is not valid.", action, in.MAC.Address)
		}
		if mac != n.MAC && slices.Contains(c.UsedMACs(), mac) {
			return refuse.Conflict("Cannot %s. MAC Address %s is already in use.", action, mac)
		}
		n.MAC = mac
	}
	if in.VNICProfile != nil {
		if _, ok := c.State.Profiles[in.VNICProfile.ID]; !ok && in.VNICProfile.ID != "" {
			return refuse.Invalid("Cannot %s. The specified VM Interface Profile doesn't exist.", action)
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

func removeNIC(c *rest.Call, n card) (any, error) {
	const action = "remove Interface"
	if err := c.Unlocked(action, n.vm); err != nil {
		return nil, err
	}
	if n.vm.Status != model.VMDown && n.Plugged {
		return nil, refuse.Conflict("Cannot %s. The VM Network Interface is plugged to a running VM.", action)
	}
	n.vm.NICs = slices.DeleteFunc(n.vm.NICs, func(x *model.NIC) bool { return x == n.NIC })
	c.Done("Removing Network Interface %s from VM %s", n.Name, n.vm.Name)
	return rest.Complete(nil), nil
}
