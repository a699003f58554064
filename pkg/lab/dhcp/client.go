package dhcp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Client asks on one interface. It works in the network namespace of the
// thread that calls Get.
type Client struct {
	Interface string
	MAC       net.HardwareAddr
	HostName  string // sent to the server; may be empty
	Rand      io.Reader
	// Retry is how long to wait for an answer before asking again.
	Retry time.Duration
}

// Get asks until there is a lease or ctx ends.
func (c Client) Get(ctx context.Context) (Lease, error) {
	conn, err := c.socket(ctx)
	if err != nil {
		return Lease{}, fmt.Errorf("open DHCP socket: %w", err)
	}
	defer conn.Close()
	var last error
	for ctx.Err() == nil {
		var xid [4]byte
		if _, err := io.ReadFull(c.Rand, xid[:]); err != nil {
			return Lease{}, fmt.Errorf("pick a DHCP transaction: %w", err)
		}
		l, err := c.round(conn, binary.BigEndian.Uint32(xid[:]))
		if err == nil {
			return l, nil
		}
		last = err
	}
	return Lease{}, fmt.Errorf("get a DHCP lease: %w", errors.Join(ctx.Err(), last))
}

func (c Client) round(conn *net.UDPConn, xid uint32) (Lease, error) {
	offered, err := c.ask(conn, message(discover, xid, c.MAC, c.HostName, nil), xid, offer)
	if err != nil {
		return Lease{}, err
	}
	return c.ask(conn, message(request, xid, c.MAC, c.HostName, &offered), xid, ack)
}

func (c Client) ask(conn *net.UDPConn, msg []byte, xid uint32, want byte) (Lease, error) {
	if err := conn.SetDeadline(time.Now().Add(c.Retry)); err != nil {
		return Lease{}, err
	}
	if _, err := conn.WriteToUDP(msg, &net.UDPAddr{IP: net.IPv4bcast, Port: 67}); err != nil {
		return Lease{}, err
	}
	buf := make([]byte, 1500)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return Lease{}, errors.New("no DHCP server answers")
		}
		if err != nil {
			return Lease{}, err
		}
		kind, l, err := parse(buf[:n], xid, c.MAC)
		switch {
		case err != nil:
			continue // someone else's
		case kind == nak:
			return Lease{}, errors.New("the DHCP server refuses")
		case kind == want:
			return l, nil
		}
	}
}

func (c Client) socket(ctx context.Context) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var serr error
		err := raw.Control(func(fd uintptr) {
			serr = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
				unix.BindToDevice(int(fd), c.Interface))
		})
		return errors.Join(err, serr)
	}}
	pc, err := lc.ListenPacket(ctx, "udp4", "0.0.0.0:68")
	if err != nil {
		return nil, err
	}
	return pc.(*net.UDPConn), nil
}
