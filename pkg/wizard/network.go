package wizard

import (
	"context"
	"errors"
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// defaultMachineNetwork is the default of pkg/types.
const defaultMachineNetwork = "10.0.0.0/16"

// MachineNetwork asks for the network of the virtual addresses. The default is not
// written to the file.
func (s *Session) MachineNetwork(ctx context.Context) error {
	return s.Text(ctx, Question{"Machine Network", "The network that the machines are in, in CIDR notation. " +
		"The API and the ingress each get an address in it."},
		defaultMachineNetwork, func(answer string) error {
			prefix, err := netip.ParsePrefix(answer)
			if err != nil {
				return errors.New("must be a network in CIDR notation, like " + defaultMachineNetwork)
			}
			s.Draft.Networking = nil
			if answer != defaultMachineNetwork {
				s.Draft.Networking = &types.Networking{MachineNetwork: []types.MachineNetworkEntry{{CIDR: prefix}}}
			}
			return nil
		}, report.NewPath("networking"))
}

// VIPs asks for both virtual addresses of the draft's platform. The second answer is
// checked against the first.
func (s *Session) VIPs(ctx context.Context) error {
	vips, at := s.Draft.VIPs(), report.NewPath("platform", s.Draft.Platform.Name())
	api, ingress := at.Child(vips.API.Name), at.Child(vips.Ingress.Name)
	if err := s.Text(ctx, apiVIP, "", address(vips.API.Addrs), api); err != nil {
		return err
	}
	return s.Text(ctx, ingressVIP, "", address(vips.Ingress.Addrs), api, ingress)
}

// address is a set function for a field with one address.
func address(field *[]netip.Addr) func(string) error {
	return func(answer string) error {
		ip, err := netip.ParseAddr(answer)
		if err != nil {
			return errors.New("must be an IP address")
		}
		*field = []netip.Addr{ip}
		return nil
	}
}

// The questions for both virtual addresses, in the words of openshift-install.
var (
	apiVIP = Question{"API Virtual IP Address", "A free address in the machine network, outside its DHCP range. " +
		"The cluster serves its API there. In DNS it must be api.<cluster name>.<base domain>."}
	ingressVIP = Question{"Ingress Virtual IP Address", "Another free address in the machine network, " +
		"outside its DHCP range, for routes. In DNS it must be *.apps.<cluster name>.<base domain>."}
)
