package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// bootTimeout is how long the firmware waits for an answer before it tries the next
// boot device.
const bootTimeout = 30 * time.Second

// Netboot brings up the first card as firmware with iPXE does, and returns the boot
// file that the DHCP server names, with a client that fetches it through that card.
// Down follows.
func (u Uplink) Netboot(ctx context.Context, uefi bool) (file string, client *http.Client, err error) {
	if len(u.Cards) == 0 {
		return "", nil, errors.New("boot over the network: there is no network card")
	}
	waiting, stop := context.WithTimeout(ctx, bootTimeout)
	defer stop()
	lease, err := u.lease(waiting, asIPXE(uefi)...)
	if err != nil {
		return "", nil, fmt.Errorf("boot over the network: %w", err)
	}
	if file = bootFile(lease); file == "" {
		return "", nil, errors.New("boot over the network: the DHCP server names no boot file")
	}
	return file, u.client(lease.DNS()), nil
}

// asIPXE are what iPXE tells a DHCP server: RFC 4578, and what its documentation has
// for dnsmasq and ISC DHCP to tell it from other firmware.
func asIPXE(uefi bool) []dhcpv4.Modifier {
	arch, class := iana.INTEL_X86PC, "PXEClient:Arch:00000:UNDI:002001"
	if uefi {
		arch, class = iana.EFI_X86_64, "PXEClient:Arch:00007:UNDI:003010"
	}
	const http = 0x13 // of iPXE's features
	return []dhcpv4.Modifier{
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)),
		dhcpv4.WithOption(dhcpv4.OptClientArch(arch)),
		dhcpv4.WithUserClass("iPXE", false),
		dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(175), []byte{http, 1, 1})),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName),
	}
}

// bootFile is in an option or in the field that is older than options.
func bootFile(lease *dhcpv4.DHCPv4) string {
	if name := lease.BootFileNameOption(); name != "" {
		return name
	}
	return lease.BootFileName
}

// client reaches servers through the machine's network, with its name servers.
func (u Uplink) client(servers []net.IP) *http.Client {
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		// An address, so that the socket is made by this thread.
		err = netns.Do(u.Namespace, func() (err error) {
			conn, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
	names := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if len(servers) == 0 {
			return nil, errors.New("the DHCP server names no name server")
		}
		return dial(ctx, network, net.JoinHostPort(servers[0].String(), "53"))
	}}
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, ResponseHeaderTimeout: 30 * time.Second,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			name, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if net.ParseIP(name) == nil {
				found, err := names.LookupNetIP(ctx, "ip4", name)
				if err != nil {
					return nil, err
				}
				name = found[0].String()
			}
			return dial(ctx, network, net.JoinHostPort(name, port))
		},
	}}
}
