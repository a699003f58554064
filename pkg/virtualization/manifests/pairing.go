package manifests

import (
	_ "embed"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

//go:embed pairing.yaml
var pairingText []byte

// pairingData is pairing.yaml, which explains it.
type pairingData struct {
	Releases            []row                `json:"releases"`
	Operators           map[string]operator  `json:"operators"`
	Settings            map[string][]setting `json:"settings"`
	DeschedulerProfiles []profile            `json:"deschedulerProfiles"`
}

type row struct {
	Release        string `json:"release"`
	HyperConverged string `json:"hyperConverged"`
	KubeVirt       string `json:"kubevirt"`
	CDI            string `json:"cdi"`
}

type operator struct {
	Package      string `json:"package"`
	Catalog      string `json:"catalog"`
	Channel      string `json:"channel"`
	Namespace    string `json:"namespace"`
	OldNamespace struct {
		Until string `json:"until"`
		Name  string `json:"name"`
	} `json:"oldNamespace"`
	OwnNamespace      bool   `json:"ownNamespace"`
	AllNamespacesFrom string `json:"allNamespacesFrom"` // how the image of upstream's catalog begins
	Group             string `json:"group"`
	Subscription      string `json:"subscription"`
}

// setting is where a setting is in some versions of HyperConverged.
type setting struct {
	From  string `json:"from"`
	Until string `json:"until"`
	At    string `json:"at"`
}

type profile struct {
	Name string `json:"name"`
	From string `json:"from"`
}

var pairings = sync.OnceValue(func() pairingData {
	var data pairingData
	if err := yaml.UnmarshalStrict(pairingText, &data); err != nil {
		panic("manifests: pairing.yaml: " + err.Error()) // a test reads it
	}
	return data
})

// Pairing is what goes with a release of the cluster.
type Pairing struct {
	// Release is major and minor version of the cluster, of the newest row if it is not known.
	Release string
	// Newer says that the release is newer than all that are known here.
	Newer bool
	// HyperConverged, KubeVirt and CDI are the versions at the head of the channel.
	HyperConverged, KubeVirt, CDI string
}

// PairingOf finds what goes with a release. If it is empty, that is what goes with the newest one.
func PairingOf(release string) Pairing {
	rows := pairings().Releases
	number, numbered := versions.MinorOf(release)
	best := rows[len(rows)-1]
	if numbered {
		best = rows[0]
		for _, r := range rows {
			if since(number.String(), r.Release) {
				best = r
			}
		}
	}
	p := Pairing{
		Release: best.Release, Newer: numbered && !since(rows[len(rows)-1].Release, number.String()),
		HyperConverged: best.HyperConverged, KubeVirt: best.KubeVirt, CDI: best.CDI,
	}
	if numbered {
		p.Release = number.String()
	}
	return p
}

// since reports whether a version belongs to the minor version first or to a later one.
func since(version, first string) bool {
	v, ok := versions.MinorOf(version)
	f, fine := versions.MinorOf(first)
	return ok && fine && v.Since(f)
}

// namespace is where the release wants an operator.
func (p Pairing) namespace(o operator) string {
	if o.OldNamespace.Until != "" && since(o.OldNamespace.Until, p.Release) {
		return o.OldNamespace.Name
	}
	return o.Namespace
}

// Setting returns where HyperConverged has a setting, as a path in its spec, false if it has none.
func (p Pairing) Setting(name string) ([]string, bool) {
	list, moves := pairings().Settings[name]
	if !moves {
		return nil, false
	}
	for _, s := range list {
		if (s.From == "" || since(p.HyperConverged, s.From)) && (s.Until == "" || since(s.Until, p.HyperConverged)) {
			return strings.Split(s.At, "."), true
		}
	}
	return nil, false
}

// deschedulerProfile is the best profile that the release has.
func (p Pairing) deschedulerProfile() string {
	for _, d := range pairings().DeschedulerProfiles {
		if d.From == "" || since(p.Release, d.From) {
			return d.Name
		}
	}
	return ""
}
