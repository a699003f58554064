// Package dhcp is the DHCP client of the machines' firmware: enough of RFC
// 2131 to get one lease on one interface.
package dhcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Lease is what the server granted.
type Lease struct {
	Address  netip.Prefix
	Router   netip.Addr
	DNS      []netip.Addr
	Domain   string
	HostName string
	server   netip.Addr
}

const (
	fixedSize   = 236
	magicCookie = 0x63825363

	discover = 1
	offer    = 2
	request  = 3
	ack      = 5
	nak      = 6
)

// Option codes of RFC 2132.
const (
	optMask       = 1
	optRouter     = 3
	optDNS        = 6
	optHostName   = 12
	optDomain     = 15
	optRequested  = 50
	optType       = 53
	optServer     = 54
	optParameters = 55
	optClientID   = 61
	optEnd        = 255
)

func message(kind byte, xid uint32, mac net.HardwareAddr, host string, l *Lease) []byte {
	m := make([]byte, fixedSize, 400)
	m[0], m[1], m[2] = 1, 1, 6 // BOOTREQUEST, Ethernet
	binary.BigEndian.PutUint32(m[4:], xid)
	// Answer by broadcast: there is no address yet to which anything could be sent.
	binary.BigEndian.PutUint16(m[10:], 0x8000)
	copy(m[28:], mac)
	m = binary.BigEndian.AppendUint32(m, magicCookie)
	option := func(code byte, value []byte) {
		m = append(m, code, byte(len(value)))
		m = append(m, value...)
	}
	option(optType, []byte{kind})
	option(optClientID, append([]byte{1}, mac...))
	if host != "" && len(host) < 64 {
		option(optHostName, []byte(host))
	}
	if l != nil {
		option(optRequested, l.Address.Addr().AsSlice())
		option(optServer, l.server.AsSlice())
	}
	option(optParameters, []byte{optMask, optRouter, optDNS, optHostName, optDomain})
	m = append(m, optEnd)
	for len(m) < 300 { // servers may drop less than a BOOTP packet
		m = append(m, 0)
	}
	return m
}

// parse reads a server's answer to transaction xid.
func parse(b []byte, xid uint32, mac net.HardwareAddr) (kind byte, l Lease, err error) {
	if len(b) < fixedSize+4 || b[0] != 2 || binary.BigEndian.Uint32(b[fixedSize:]) != magicCookie {
		return 0, l, errors.New("not a DHCP answer")
	}
	if binary.BigEndian.Uint32(b[4:]) != xid || !bytes.Equal(b[28:34], mac) {
		return 0, l, errors.New("an answer to someone else")
	}
	bits := 32
	addr := netip.AddrFrom4([4]byte(b[16:20]))
	for rest := b[fixedSize+4:]; len(rest) > 0 && rest[0] != optEnd; {
		if rest[0] == 0 {
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return 0, l, errors.New("options are cut off")
		}
		value := rest[2 : 2+int(rest[1])]
		if err := l.take(rest[0], value, &kind, &bits); err != nil {
			return 0, l, err
		}
		rest = rest[2+len(value):]
	}
	l.Address = netip.PrefixFrom(addr, bits)
	return kind, l, nil
}

func (l *Lease) take(code byte, value []byte, kind *byte, bits *int) error {
	addrs := func() ([]netip.Addr, error) {
		if len(value) == 0 || len(value)%4 != 0 {
			return nil, fmt.Errorf("option %d has %d bytes", code, len(value))
		}
		var list []netip.Addr
		for i := 0; i < len(value); i += 4 {
			list = append(list, netip.AddrFrom4([4]byte(value[i:i+4])))
		}
		return list, nil
	}
	var list []netip.Addr
	var err error
	switch code {
	case optType:
		if len(value) != 1 {
			return errors.New("message type is not one byte")
		}
		*kind = value[0]
	case optMask:
		if len(value) != 4 {
			return errors.New("subnet mask is not four bytes")
		}
		*bits, _ = net.IPMask(value).Size()
	case optRouter:
		if list, err = addrs(); err == nil {
			l.Router = list[0]
		}
	case optDNS:
		l.DNS, err = addrs()
	case optServer:
		if list, err = addrs(); err == nil {
			l.server = list[0]
		}
	case optHostName:
		l.HostName = text(value)
	case optDomain:
		l.Domain = text(value)
	}
	return err
}

func text(b []byte) string { return strings.TrimRight(string(b), "\x00") }
