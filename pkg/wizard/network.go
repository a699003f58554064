package wizard

import (
	"context"
	"errors"
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// defaultMachineNetwork is what pkg/types uses where the file is silent.
const defaultMachineNetwork = "10.0.0.0/16"

// machineNetwork is asked for because the virtual addresses have to be in it.
// The default needs no line in the file.
func (w *wizard) machineNetwork(ctx context.Context) error {
	return w.text(ctx, Question{"Machine Network", "The network that the machines are in, in CIDR notation. The API and the ingress get an address of it."},
		defaultMachineNetwork, func(answer string) error {
			prefix, err := netip.ParsePrefix(answer)
			if err != nil {
				return errors.New("must be a network in CIDR notation, like " + defaultMachineNetwork)
			}
			w.config.Networking = nil
			if answer != defaultMachineNetwork {
				w.config.Networking = &types.Networking{MachineNetwork: []types.MachineNetworkEntry{{CIDR: prefix}}}
			}
			return nil
		}, report.NewPath("networking"))
}

// addresses asks for both virtual addresses. That they are different is told of
// the first when the second is known.
func (w *wizard) addresses(ctx context.Context, apiAt report.Path, api *[]netip.Addr, ingressAt report.Path, ingress *[]netip.Addr) error {
	if err := w.text(ctx, apiVIP, "", address(api), apiAt); err != nil {
		return err
	}
	return w.text(ctx, ingressVIP, "", address(ingress), apiAt, ingressAt)
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

// Both virtual addresses in the words that openshift-install's users know.
var (
	apiVIP     = Question{"API Virtual IP Address", "A free address of the machine network, outside of its DHCP range. The cluster serves its API there; DNS must have it as api.<cluster name>.<base domain>."}
	ingressVIP = Question{"Ingress Virtual IP Address", "Another free address of the machine network, outside of its DHCP range, for routes; DNS must have it as *.apps.<cluster name>.<base domain>."}
)
