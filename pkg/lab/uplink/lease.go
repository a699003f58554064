package uplink

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/wait"
)

// lease configures the first network card by DHCP, as the initial RAM disk of
// CoreOS does when a config has to be fetched. A machine without a card gets an
// empty lease.
func (u Uplink) lease(ctx context.Context, more ...dhcpv4.Modifier) (*dhcpv4.DHCPv4, error) {
	if len(u.Cards) == 0 {
		return dhcpv4.New()
	}
	name := u.Cards[0].Name
	if err := netns.IP(ctx, u.Namespace, "link set lo up", "link set "+name+" up"); err != nil {
		return nil, err
	}
	var lease *dhcpv4.DHCPv4
	err := netns.Do(u.Namespace, func() (err error) {
		lease, err = requestLease(ctx, u.Clock, name, more...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get a DHCP lease on %s: %w", name, err)
	}
	u.Note("address %s on %s", address(lease), name)
	lines := []string{fmt.Sprintf("addr replace %s dev %s", address(lease), name)}
	if routers := lease.Router(); len(routers) > 0 {
		lines = append(lines, fmt.Sprintf("route replace default via %s dev %s", routers[0], name))
	}
	return lease, netns.IP(ctx, u.Namespace, lines...)
}

// leaseRetry is the time to wait for an answer before asking again.
const leaseRetry = 300 * time.Millisecond

// requestLease asks for a lease, with more in the request, until there is one or ctx
// ends. It works in the network namespace of its thread.
func requestLease(
	ctx context.Context, clk clock.Clock, iface string, more ...dhcpv4.Modifier,
) (lease *dhcpv4.DHCPv4, err error) {
	err = wait.Until(ctx, clk, leaseRetry, func(ctx context.Context) (bool, string, error) {
		client, err := nclient4.New(iface, nclient4.WithTimeout(leaseRetry), nclient4.WithRetry(1))
		if err != nil {
			return false, "", err
		}
		defer client.Close()
		// The identifier that the system's own client sends, so that it gets the same address.
		id := dhcpv4.OptClientIdentifier(append([]byte{1}, client.InterfaceAddr()...))
		granted, err := client.Request(ctx, append([]dhcpv4.Modifier{
			dhcpv4.WithBroadcast(true), dhcpv4.WithOption(id),
		}, more...)...)
		if err != nil {
			return false, err.Error(), nil
		}
		lease = granted.ACK
		return true, "", nil
	})
	return lease, err
}

func address(lease *dhcpv4.DHCPv4) *net.IPNet {
	mask := lease.SubnetMask()
	if mask == nil {
		mask = net.CIDRMask(32, 32)
	}
	return &net.IPNet{IP: lease.YourIPAddr, Mask: mask}
}

// resolvConf is the resolver's configuration that comes with a lease.
func resolvConf(lease *dhcpv4.DHCPv4) []byte {
	var b bytes.Buffer
	if domain := lease.DomainName(); domain != "" {
		fmt.Fprintf(&b, "search %s\n", domain)
	}
	for _, a := range lease.DNS() {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	return b.Bytes()
}
