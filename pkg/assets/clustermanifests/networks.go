package clustermanifests

import (
	"net/netip"
	"reflect"
	"slices"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// networkDocument is what of an NMStateConfig is translated to profiles of NetworkManager.
type networkDocument struct {
	Spec networkPart `json:"spec"`
}

type networkPart struct {
	Interfaces []agent.Interface `json:"interfaces,omitempty"`
	Config     *nmstate.Config   `json:"config,omitempty"`
}

// keyfiles translates the network configurations, each to a directory of its own, which is
// numbered in the order of the file. It adds what cannot be translated.
func keyfiles(data []byte, r *report.Report) []keyfile.File {
	otherKeys := func(in reflect.Type, _ string, _ report.Path, _ report.Position) bool {
		return in == reflect.TypeFor[networkDocument]() || in == reflect.TypeFor[networkPart]()
	}
	var out []keyfile.File
	translate := func(i int, d *networkDocument) {
		var nics []keyfile.NIC
		for _, nic := range d.Spec.Interfaces {
			nics = append(nics, keyfile.NIC{Name: nic.Name, MAC: nic.MACAddress})
		}
		files := nmstate.Translate(d.Spec.Config, nics, r, report.Path{}.Index(i).Child("spec", "config"))
		out = append(out, keyfile.Directory(i, nics, files)...)
	}
	if !decode.Each(data, decode.Options{Elsewhere: otherKeys}, r, translate) {
		return nil
	}
	if r.Failed() {
		return nil
	}
	return out
}

// network is what of a host's network configuration is needed besides its profiles. The
// configurations themselves would be most of the memory of a large cluster.
type network struct {
	meta       types.Metadata
	interfaces []agent.Interface
	addresses  []agent.Address
}

// networks reads the network configurations.
func networks(data []byte, r *report.Report) []network {
	var out []network
	decode.Each(data, decode.Options{}, r, func(_ int, c *NMStateConfig) {
		out = append(out, network{c.Metadata, c.Spec.Interfaces, slices.Collect(agent.Addresses(c.Spec.Config))})
	})
	return out
}

// firstAddress is the first static address, the zero value if there is none.
func (n network) firstAddress() netip.Addr {
	for _, a := range n.addresses {
		if a.IP.IsValid() {
			return a.IP
		}
	}
	return netip.Addr{}
}
