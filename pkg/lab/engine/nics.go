package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func nicXML(n *model.NIC, owner string) *api.NIC {
	base := href(owner, "nics", n.ID)
	out := &api.NIC{Href: base, ID: n.ID, Links: links(base, "networkfilterparameters", "statistics"), Name: &n.Name, Comment: &n.Comment,
		Interface: &n.Interface, Linked: &n.Linked, Plugged: &n.Plugged, VNICProfile: api.To("vnicprofiles", n.Profile)}
	if n.MAC != "" {
		out.MAC = &api.MAC{Address: n.MAC}
	}
	return out
}

func vmNICs(vm *model.VM) []*api.NIC {
	var out []*api.NIC
	for _, n := range vm.NICs {
		x := nicXML(n, "vms/"+vm.ID)
		x.VM = api.To("vms", vm.ID)
		out = append(out, x)
	}
	return out
}

func listNICs(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	return list("nics", vmNICs(vm))
}

func (c *call) nic() (*model.VM, *model.NIC, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, nil, err
	}
	for _, n := range vm.NICs {
		if n.ID == c.id("nic") {
			return vm, n, nil
		}
	}
	return nil, nil, notFound()
}

func (c *call) showNIC(vm *model.VM, id string) (any, error) {
	for _, x := range vmNICs(vm) {
		if x.ID == id {
			return x, nil
		}
	}
	return nil, notFound()
}

func getNIC(c *call) (any, error) {
	vm, n, err := c.nic()
	if err != nil {
		return nil, err
	}
	return c.showNIC(vm, n.ID)
}

func addNIC(c *call) (any, error) {
	const action = "add Interface"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	var in api.NIC
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil {
		return nil, incomplete("Nic [name]", "add")
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	n := &model.NIC{ID: newID(), Interface: "virtio", Plugged: true, Linked: true}
	if err := c.applyNIC(action, vm, n, &in); err != nil {
		return nil, err
	}
	if n.MAC == "" {
		if n.MAC, err = c.freeMAC(); err != nil {
			return nil, err
		}
	}
	if vm.Status != model.VMDown && n.Plugged {
		// The lab's machines get their cards when they are switched on.
		return nil, conflict("Cannot %s. Failed to hot-plug interface: VM is running.", action)
	}
	vm.NICs = append(vm.NICs, n)
	c.done("Adding Network Interface %s to VM %s", n.Name, vm.Name)
	return c.showNIC(vm, n.ID)
}

func updateNIC(c *call) (any, error) {
	const action = "edit Interface"
	vm, n, err := c.nic()
	if err != nil {
		return nil, err
	}
	var in api.NIC
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	changed := *n
	if err := c.applyNIC(action, vm, &changed, &in); err != nil {
		return nil, err
	}
	if vm.Status != model.VMDown && (changed.MAC != n.MAC || changed.Profile != n.Profile || changed.Plugged != n.Plugged) {
		return nil, conflict("Cannot %s. VM is running.", action)
	}
	*n = changed
	c.done("Editing Network Interface %s of VM %s", n.Name, vm.Name)
	return c.showNIC(vm, n.ID)
}

func (c *call) applyNIC(action string, vm *model.VM, n *model.NIC, in *api.NIC) error {
	if in.Name != nil {
		if *in.Name == "" {
			return invalid("Cannot %s. The interface name may not be empty.", action)
		}
		for _, other := range vm.NICs {
			if other.Name == *in.Name && other.ID != n.ID {
				return conflict("Cannot %s. The network interface name is already in use, please choose a unique name and try again.", action)
			}
		}
		n.Name = *in.Name
	}
	if in.MAC != nil {
		mac := strings.ToLower(in.MAC.Address)
		if !isMAC.MatchString(mac) {
			return invalid("Cannot %s. The MAC address %q is not valid.", action, in.MAC.Address)
		}
		if mac != n.MAC && contains(c.usedMACs(), mac) {
			return conflict("Cannot %s. MAC Address %s is already in use.", action, mac)
		}
		n.MAC = mac
	}
	if in.VNICProfile != nil {
		if _, ok := c.st.Profiles[in.VNICProfile.ID]; !ok && in.VNICProfile.ID != "" {
			return invalid("Cannot %s. The specified VM Interface Profile doesn't exist.", action)
		}
		n.Profile = in.VNICProfile.ID
	}
	set(&n.Interface, in.Interface)
	set(&n.Linked, in.Linked)
	set(&n.Plugged, in.Plugged)
	set(&n.Comment, in.Comment)
	return nil
}

// isMAC takes any six bytes: the engine's own check lets multicast addresses
// through, too.
var isMAC = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`)

func removeNIC(c *call) (any, error) {
	const action = "remove Interface"
	vm, n, err := c.nic()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.Status != model.VMDown && n.Plugged {
		return nil, conflict("Cannot %s. The VM Network Interface is plugged to a running VM.", action)
	}
	vm.NICs = slices.DeleteFunc(vm.NICs, func(x *model.NIC) bool { return x == n })
	c.done("Removing Network Interface %s from VM %s", n.Name, vm.Name)
	return complete(nil), nil
}

// usedMACs lists the addresses of all cards, sorted. e.mu is held.
func (e *Engine) usedMACs() []string {
	var out []string
	for _, vm := range e.st.VMs {
		for _, n := range vm.NICs {
			out = append(out, n.MAC)
		}
	}
	slices.Sort(out)
	return out
}

// freeMAC takes the lowest free address of the pool.
func (e *Engine) freeMAC() (string, error) {
	used := map[string]bool{}
	for _, mac := range e.usedMACs() {
		used[mac] = true
	}
	for i := range 1 << 16 {
		if mac := fmt.Sprintf("%s:%02x:%02x", e.cfg.MACPrefix, i>>8, i&0xff); !used[mac] {
			return mac, nil
		}
	}
	return "", conflict("Cannot add Interface. Not enough MAC addresses left in MAC Address Pool.")
}

func (e *Engine) profileXML(p *model.Profile) *api.VNICProfile {
	base := href("vnicprofiles", p.ID)
	return &api.VNICProfile{Href: base, ID: p.ID, Name: &p.Name, Description: &p.Description, Comment: api.Ptr(""),
		Network: api.To("networks", p.Network), PassThrough: &api.Mode{Mode: "disabled"}, PortMirror: api.Ptr(false),
		Filter: api.To("networkfilters", e.cfg.fixedID("networkfilter", "vdsm-no-mac-spoofing")), Links: links(base, "permissions")}
}

func listProfiles(c *call) (any, error) {
	network := c.id("id") // empty unless below a network
	if network != "" {
		if _, ok := c.world.network(network); !ok {
			return nil, notFound()
		}
	}
	all := model.Sorted(c.st.Profiles, func(p *model.Profile) string { return p.Name })
	hits, err := found(c, all, func(p *model.Profile) search.Fields {
		return fields(map[string][]string{"name": one(p.Name), "id": one(p.ID), "description": one(p.Description)})
	})
	if err != nil {
		return nil, err
	}
	var out []*api.VNICProfile
	for _, p := range hits {
		if network == "" || p.Network == network {
			out = append(out, c.profileXML(p))
		}
	}
	return list("vnic_profiles", out)
}

func getProfile(c *call) (any, error) {
	p, ok := c.st.Profiles[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	return c.profileXML(p), nil
}

func addProfile(c *call) (any, error) {
	const action = "add VM network interface profile"
	var in api.VNICProfile
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.Network == nil {
		return nil, incomplete("VnicProfile [name, network.id]", "add")
	}
	if _, ok := c.world.network(in.Network.ID); !ok {
		return nil, invalid("Cannot %s. The specified Logical Network doesn't exist.", action)
	}
	for _, p := range c.st.Profiles {
		if p.Name == *in.Name && p.Network == in.Network.ID {
			return nil, conflict("Cannot %s. The VM network interface profile's name is already used by an existing profile for the same network.", action)
		}
	}
	p := &model.Profile{ID: newID(), Name: *in.Name, Description: api.Val(in.Description), Network: in.Network.ID}
	c.st.Profiles[p.ID] = p
	c.done("Adding VM network interface profile %s", p.Name)
	return c.profileXML(p), nil
}

func removeProfile(c *call) (any, error) {
	p, ok := c.st.Profiles[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	for _, vm := range c.st.VMs {
		for _, n := range vm.NICs {
			if n.Profile == p.ID {
				return nil, conflict("Cannot remove VM network interface profile. Several VMs are using this profile: %s.", vm.Name)
			}
		}
	}
	delete(c.st.Profiles, p.ID)
	c.done("Removing VM network interface profile %s", p.Name)
	return complete(nil), nil
}
