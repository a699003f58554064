package link

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Change is what an Apply has changed, so that it can be taken back.
type Change struct{ undo []func() error }

// Undo takes everything back, the last change first.
func (c *Change) Undo() error {
	var errs []error
	for _, f := range slices.Backward(c.undo) {
		errs = append(errs, f())
	}
	c.undo = nil
	return errors.Join(errs...)
}

func (c *Change) did(undo func() error) { c.undo = append(c.undo, undo) }

// Apply makes the network namespace fit a state. If that is not possible, what it has
// changed is taken back.
func Apply(s State) (*Change, error) {
	c := &Change{}
	for _, i := range s.sorted() {
		if err := c.apply(i); err != nil {
			err = fmt.Errorf("interface %s: %w", i.Name, err)
			if undo := c.Undo(); undo != nil {
				err = fmt.Errorf("%w; taking back the changes: %w", err, undo)
			}
			return nil, err
		}
	}
	return c, nil
}

func (c *Change) apply(i Interface) error {
	l, err := find(i.Name)
	switch {
	case err != nil:
		return err
	case i.State == absent:
		return c.remove(l)
	case i.State == down:
		if l == nil {
			return errors.New("there is no such interface")
		}
		return c.set(l, false)
	}
	if l, err = c.present(i, l); err != nil {
		return err
	}
	if i.MTU > 0 && l.Attrs().MTU != i.MTU {
		before := l.Attrs().MTU
		if err := netlink.LinkSetMTU(l, i.MTU); err != nil {
			return fmt.Errorf("set MTU %d: %w", i.MTU, err)
		}
		c.did(func() error { return netlink.LinkSetMTU(l, before) })
	}
	if i.Bridge != nil {
		if err := c.bridge(l, *i.Bridge); err != nil {
			return err
		}
	}
	if i.Bond != nil {
		if err := c.ports(l, i.Bond.Ports); err != nil {
			return err
		}
	}
	if err := c.set(l, true); err != nil {
		return err
	}
	for family, ip := range map[int]*IP{netlink.FAMILY_V4: i.IPv4, netlink.FAMILY_V6: i.IPv6} {
		if ip == nil {
			continue
		}
		if err := c.addresses(l, family, *ip); err != nil {
			return err
		}
	}
	return nil
}

// present finds or makes the interface. One of another type is not replaced: what hangs
// on it would be lost.
func (c *Change) present(i Interface, l netlink.Link) (netlink.Link, error) {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = i.Name
	var wanted netlink.Link
	switch i.Type {
	case linuxBridge:
		wanted = &netlink.Bridge{LinkAttrs: attributes}
	case bond:
		b := netlink.NewLinkBond(attributes)
		if b.Mode = netlink.StringToBondMode(i.Bond.Mode); b.Mode == netlink.BOND_MODE_UNKNOWN {
			return nil, fmt.Errorf("unknown bond mode %q", i.Bond.Mode)
		}
		wanted = b
	case vlan:
		base, err := find(i.VLAN.Base)
		if err == nil && base == nil {
			err = fmt.Errorf("there is no base interface %s", i.VLAN.Base)
		}
		if err != nil {
			return nil, err
		}
		attributes.ParentIndex = base.Attrs().Index
		wanted = &netlink.Vlan{LinkAttrs: attributes, VlanId: i.VLAN.ID}
	default:
		if l == nil {
			return nil, errors.New("there is no such interface")
		}
		return l, nil
	}
	if l != nil {
		if l.Type() != wanted.Type() {
			return nil, fmt.Errorf("it is a %s and is to be a %s", l.Type(), i.Type)
		}
		return l, nil
	}
	if err := netlink.LinkAdd(wanted); err != nil {
		return nil, fmt.Errorf("make a %s: %w", i.Type, err)
	}
	c.did(func() error { return netlink.LinkDel(wanted) })
	return netlink.LinkByName(i.Name)
}

func (c *Change) remove(l netlink.Link) error {
	switch {
	case l == nil:
		return nil
	case !slices.Contains([]string{"bridge", "bond", "vlan"}, l.Type()):
		// A card cannot be removed; its configuration can.
		for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
			if err := c.addresses(l, family, IP{}); err != nil {
				return err
			}
		}
		return c.set(l, false)
	}
	// The kernel lets ports go with their bridge, and addresses with their interface: to
	// take that back is to make all of it again, which nothing asks for.
	if err := netlink.LinkDel(l); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}

func (c *Change) set(l netlink.Link, on bool) error {
	do, undo, what := netlink.LinkSetUp, netlink.LinkSetDown, "set up"
	if !on {
		do, undo, what = undo, do, "set down"
	}
	if (l.Attrs().Flags&net.FlagUp != 0) == on {
		return nil
	}
	if err := do(l); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(func() error { return undo(l) })
	return nil
}

func (c *Change) bridge(l netlink.Link, b Bridge) error {
	if stp := b.Options.STP; stp != nil && stp.Enabled != nil {
		if err := setSTP(l, *stp.Enabled); err != nil {
			return fmt.Errorf("set STP: %w", err)
		}
	}
	names := make([]string, 0, len(b.Ports))
	for _, p := range b.Ports {
		names = append(names, p.Name)
	}
	return c.ports(l, names)
}

// ports makes the interface's ports those named. Those of pods and VMs are not ours.
func (c *Change) ports(l netlink.Link, names []string) error {
	all, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	for _, p := range all {
		a := p.Attrs()
		if a.MasterIndex != l.Attrs().Index || slices.Contains(names, a.Name) || foreign(a.Name) {
			continue
		}
		if err := netlink.LinkSetNoMaster(p); err != nil {
			return fmt.Errorf("release port %s: %w", a.Name, err)
		}
		c.did(func() error { return netlink.LinkSetMaster(p, l) })
	}
	for _, name := range names {
		p, err := find(name)
		if err == nil && p == nil {
			err = errors.New("there is no such interface")
		}
		if err != nil {
			return fmt.Errorf("port %s: %w", name, err)
		}
		if err := c.port(l, p); err != nil {
			return fmt.Errorf("port %s: %w", name, err)
		}
	}
	return nil
}

func (c *Change) port(l, p netlink.Link) error {
	before := p.Attrs().MasterIndex
	if before != l.Attrs().Index {
		if err := netlink.LinkSetMaster(p, l); err != nil {
			return err
		}
		c.did(func() error { return netlink.LinkSetMasterByIndex(p, before) })
	}
	return c.set(p, true)
}

// foreign reports whether an interface is one end of a pod's or a VM's.
func foreign(name string) bool {
	return slices.ContainsFunc([]string{"veth", "vnet", "tap"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

// addresses makes those of a family exactly the given ones, apart from link-local ones.
func (c *Change) addresses(l netlink.Link, family int, ip IP) error {
	have, err := netlink.AddrList(l, family)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	var wanted []netlink.Addr
	if ip.Enabled {
		for _, a := range ip.Addresses {
			mask := net.CIDRMask(a.Prefix, a.IP.BitLen())
			wanted = append(wanted, netlink.Addr{IPNet: &net.IPNet{IP: a.IP.AsSlice(), Mask: mask}})
		}
	}
	for _, a := range have {
		if a.IP.IsLinkLocalUnicast() || slices.ContainsFunc(wanted, a.Equal) {
			continue
		}
		// The label and flags of the old one come back with it.
		if err := netlink.AddrDel(l, &a); err != nil {
			return fmt.Errorf("remove address %s: %w", a.IPNet, err)
		}
		c.did(func() error { return netlink.AddrAdd(l, &a) })
	}
	for _, a := range wanted {
		if slices.ContainsFunc(have, a.Equal) {
			continue
		}
		if err := netlink.AddrAdd(l, &a); err != nil {
			return fmt.Errorf("add address %s: %w", a.IPNet, err)
		}
		c.did(func() error { return netlink.AddrDel(l, &a) })
	}
	return nil
}

// setSTP is not in the library.
func setSTP(l netlink.Link, on bool) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(l.Attrs().Index)
	req.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	state := uint32(0)
	if on {
		state = 1
	}
	info.AddRtAttr(nl.IFLA_INFO_DATA, nil).AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(state))
	req.AddData(info)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// find is an interface, or nil if there is none.
func find(name string) (netlink.Link, error) {
	l, err := netlink.LinkByName(name)
	if _, none := errors.AsType[netlink.LinkNotFoundError](err); none {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", name, err)
	}
	return l, nil
}
