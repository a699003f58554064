package runtimecfg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Drop takes the /32 addresses in vips off every interface: a keepalived that was
// killed leaves its address behind.
func Drop(vips []netip.Addr) error {
	addrs, err := list()
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		addr, _ := netip.AddrFromSlice(a.IP.To4())
		if ones, _ := a.Mask.Size(); ones != 32 || !slices.Contains(vips, addr) {
			continue
		}
		on := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: a.LinkIndex}}
		if err := netlink.AddrDel(on, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("drop address %s: %w", addr, err)
		}
	}
	return nil
}

// list asks again when addresses changed while the kernel listed them.
func list() ([]netlink.Addr, error) {
	for {
		addrs, err := netlink.AddrList(nil, netlink.FAMILY_V4)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return addrs, err
		}
	}
}
