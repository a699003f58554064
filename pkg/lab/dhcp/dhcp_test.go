package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var testMAC = net.HardwareAddr{0x56, 0x6f, 0, 0, 0, 1}

func answer(kind byte, xid uint32, options ...[]byte) []byte {
	b := make([]byte, fixedSize)
	b[0] = 2
	binary.BigEndian.PutUint32(b[4:], xid)
	copy(b[16:], []byte{198, 18, 0, 100})
	copy(b[28:], testMAC)
	b = binary.BigEndian.AppendUint32(b, magicCookie)
	b = append(b, optType, 1, kind)
	for _, o := range options {
		b = append(b, o...)
	}
	return append(b, optEnd)
}

func TestParse(t *testing.T) {
	kind, got, err := parse(answer(offer, 7,
		[]byte{optMask, 4, 255, 255, 255, 0},
		[]byte{0},
		[]byte{optRouter, 4, 198, 18, 0, 1},
		[]byte{optDNS, 8, 198, 18, 0, 1, 198, 18, 0, 2},
		append([]byte{optDomain, 4}, "test"...),
		[]byte{optServer, 4, 198, 18, 0, 1},
	), 7, testMAC)
	if err != nil || kind != offer {
		t.Fatalf("parse = kind %d, %v", kind, err)
	}
	want := Lease{
		Address: netip.MustParsePrefix("198.18.0.100/24"),
		Router:  netip.MustParseAddr("198.18.0.1"),
		DNS:     []netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")},
		Domain:  "test",
		server:  netip.MustParseAddr("198.18.0.1"),
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Lease{}), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); d != "" {
		t.Errorf("lease differs (-want +got):\n%s", d)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string][]byte{
		"empty":            nil,
		"other exchange":   answer(offer, 8),
		"cut off option":   answer(offer, 7, []byte{optDNS, 200, 1}),
		"odd address list": answer(offer, 7, []byte{optDNS, 3, 1, 2, 3}),
		"empty type":       answer(offer, 7, []byte{optType, 0}),
	}
	for name, b := range tests {
		if _, l, err := parse(b, 7, testMAC); err == nil {
			t.Errorf("%s: accepted as %+v", name, l)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer(ack, 7, []byte{optMask, 4, 255, 255, 255, 0}))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _, _ = parse(b, 7, testMAC) })
}
