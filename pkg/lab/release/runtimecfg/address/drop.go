// Package address removes addresses from interfaces.
package address

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// Drop takes the /32 addresses in vips off every interface. A keepalived that
// was killed leaves its address behind, and a second holder would then answer
// for it.
func Drop(vips []netip.Addr) error {
	rib, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_INET)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	msgs, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, m := range msgs {
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg || m.Data[1] != 32 {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return fmt.Errorf("list addresses: %w", err)
		}
		for _, a := range attrs {
			addr, ok := netip.AddrFromSlice(a.Value)
			if a.Attr.Type != syscall.IFA_LOCAL || !ok || !slices.Contains(vips, addr) {
				continue
			}
			if err := remove(m.Data[:syscall.SizeofIfAddrmsg], addr); err != nil {
				return fmt.Errorf("drop address %s: %w", addr, err)
			}
		}
	}
	return nil
}

// remove sends RTM_DELADDR for an address described as the kernel listed it.
func remove(ifaddr []byte, addr netip.Addr) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	const length = syscall.SizeofNlMsghdr + syscall.SizeofIfAddrmsg + syscall.SizeofRtAttr + 4
	b := make([]byte, 0, length)
	b = binary.NativeEndian.AppendUint32(b, length)
	b = binary.NativeEndian.AppendUint16(b, syscall.RTM_DELADDR)
	b = binary.NativeEndian.AppendUint16(b, syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	b = binary.NativeEndian.AppendUint32(b, 1) // sequence
	b = binary.NativeEndian.AppendUint32(b, 0) // port
	b = append(b, ifaddr...)
	b = binary.NativeEndian.AppendUint16(b, syscall.SizeofRtAttr+4)
	b = binary.NativeEndian.AppendUint16(b, syscall.IFA_LOCAL)
	b = append(b, addr.AsSlice()...)
	if err := syscall.Sendto(fd, b, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	msgs, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil || len(msgs) == 0 || msgs[0].Header.Type != syscall.NLMSG_ERROR || len(msgs[0].Data) < 4 {
		return errors.New("the kernel did not confirm")
	}
	code := syscall.Errno(-int32(binary.NativeEndian.Uint32(msgs[0].Data)))
	if code != 0 && code != syscall.EADDRNOTAVAIL {
		return code
	}
	return nil
}
