package clustermanifests

import (
	"reflect"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
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
	var list []networkDocument
	otherKeys := func(in reflect.Type, _ string, _ report.Path, _ report.Position) bool {
		return in == reflect.TypeFor[networkDocument]() || in == reflect.TypeFor[networkPart]()
	}
	if !decode.IntoEach(&list, data, decode.Options{Elsewhere: otherKeys}, r) {
		return nil
	}
	var out []keyfile.File
	for i, d := range list {
		var nics []keyfile.NIC
		for _, nic := range d.Spec.Interfaces {
			nics = append(nics, keyfile.NIC{Name: nic.Name, MAC: nic.MACAddress})
		}
		files := nmstate.Translate(d.Spec.Config, nics, r, report.Path{}.Index(i).Child("spec", "config"))
		out = append(out, keyfile.Directory(i, nics, files)...)
	}
	if r.Failed() {
		return nil
	}
	return out
}
