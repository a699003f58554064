package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// Up makes the namespaces of a lab. What is left of an earlier one goes first.
func (l Lab) Up(ctx context.Context) error {
	if err := l.Down(ctx); err != nil {
		return err
	}
	for _, ns := range []string{l.Namespace(), l.ProvisionerNamespace()} {
		if _, err := command.Run(ctx, "ip", "netns", "add", ns); err != nil {
			return fmt.Errorf("make namespace %s: %w", ns, err)
		}
	}
	lab := File(l.Namespace())
	lines := []string{
		"link set lo up",
		// Without an address of its own a bridge takes the lowest of its ports',
		// and changes it as machines come and go: neighbours lose it for half a
		// minute each time.
		"link add " + Bridge + " address 52:54:00:0b:00:01 type bridge forward_delay 0 stp_state 0",
		"link set " + Bridge + " up",
	}
	bits := MachineNetwork.Bits()
	lines = append(lines, fmt.Sprintf("addr add %s/%d dev %s", Gateway, bits, Bridge))
	for _, a := range append([]netip.Addr{Registry, Engine}, Hosts...) {
		lines = append(lines, fmt.Sprintf("addr add %s/32 dev %s", a, Bridge))
	}
	if err := netns.IP(ctx, lab, lines...); err != nil {
		return err
	}
	// The gateway leads nowhere. As a router without routes it answers "net
	// unreachable" at once, where a host would drop silently and every stray
	// look-up would wait for a timeout.
	forward := func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }
	if err := netns.Do(lab, forward); err != nil {
		return fmt.Errorf("set up gateway: %w", err)
	}
	return l.connectProvisioner(ctx)
}

// AddAddress gives the lab's namespace one more address for a service, if it does not
// have it. The caller is in that namespace.
func AddAddress(ctx context.Context, a netip.Addr) error {
	return netns.IP(ctx, "", fmt.Sprintf("addr replace %s/32 dev %s", a, Bridge))
}

// DropAddress takes it away again.
func DropAddress(ctx context.Context, a netip.Addr) error {
	return netns.IP(ctx, "", fmt.Sprintf("addr del %s/32 dev %s", a, Bridge))
}

func (l Lab) connectProvisioner(ctx context.Context) error {
	ns := File(l.ProvisionerNamespace())
	s := Switch{Namespace: File(l.Namespace())}
	if err := s.Attach(ctx, Cable{ID: "prov", Namespace: ns, Interface: "eth0", MAC: "52:54:00:0b:00:09"}); err != nil {
		return err
	}
	return netns.IP(ctx, ns,
		"link set lo up",
		fmt.Sprintf("addr add %s/%d dev eth0", Provisioner, MachineNetwork.Bits()),
		"link set eth0 up",
		fmt.Sprintf("route add default via %s", Gateway))
}

// Down removes the namespaces, with everything in them. It is a no-op when
// there are none.
func (l Lab) Down(ctx context.Context) error {
	var errs []error
	for _, ns := range []string{l.ProvisionerNamespace(), l.Namespace()} {
		if _, err := os.Lstat(File(ns)); err != nil {
			continue
		}
		if _, err := command.Run(ctx, "ip", "netns", "delete", ns); err != nil {
			errs = append(errs, fmt.Errorf("remove namespace %s: %w", ns, err))
		}
	}
	return errors.Join(errs...)
}

// Switch is the bridge of a lab, as seen from another namespace; an empty
// Namespace means that the caller is in the lab's namespace itself.
type Switch struct{ Namespace string }

// Cable connects one network card to the switch.
type Cable struct {
	ID        string // of the machine
	Index     int    // of the card
	Namespace string // file of the machine's namespace
	Interface string // in there
	MAC       string
}

// Attach plugs a cable in. The machine's end is down until its system sets it up.
func (s Switch) Attach(ctx context.Context, c Cable) error {
	p := port(c.ID, c.Index)
	_ = netns.IP(ctx, s.Namespace, "link delete "+p) // of a machine that was killed
	if err := netns.IP(ctx, s.Namespace,
		fmt.Sprintf("link add %s type veth peer name %s address %s netns %s", p, c.Interface, c.MAC, c.Namespace),
		fmt.Sprintf("link set %s master %s up", p, Bridge)); err != nil {
		return fmt.Errorf("connect %s of %s: %w", c.Interface, c.ID, err)
	}
	return nil
}

// Detach pulls it out.
func (s Switch) Detach(ctx context.Context, c Cable) {
	_ = netns.IP(ctx, s.Namespace, "link delete "+port(c.ID, c.Index)) // fails when it went with the namespace
}

// Link cuts or mends a cable that stays plugged in, for tests of link failures.
func (s Switch) Link(ctx context.Context, id string, index int, up bool) error {
	word := "down"
	if up {
		word = "up"
	}
	return netns.IP(ctx, s.Namespace, fmt.Sprintf("link set %s %s", port(id, index), word))
}
