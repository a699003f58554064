package manifests

import (
	"errors"
	"fmt"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Ranks order the objects of a step, and number their files.
const (
	rankCatalog      = 10
	rankNamespace    = 10
	rankGroup        = 20
	rankSubscription = 30
	rankFirst        = 40 // what the operator's own objects refer to
	rankMain         = 50
	rankSecond       = 60 // what needs the main object
	rankThird        = 70
)

// renderer makes the manifests of one configuration.
type renderer struct {
	Pairing
	set
	approval  string
	emulation bool
	unknown   bool // the release
	seen      map[string]bool
}

func newRenderer(release string) *renderer {
	return &renderer{Pairing: PairingOf(release), set: set{paths: map[string]bool{}}, seen: map[string]bool{}}
}

// Render makes the objects of a configuration that was fitted to the cluster, in the order in which
// they are applied. The same inputs give the same objects.
func Render(c *virtualization.Config, k virtualization.Cluster) ([]Manifest, error) {
	r := newRenderer(k.Release)
	r.approval, r.emulation, r.unknown = c.Operator.Approval, c.SmokeTest.AllowEmulation, k.Release == ""
	r.operator(StepOperator, hyperConverged, c.Operator.Catalog, c.Operator.Channel)
	r.storage(c)
	r.hostNetwork(c)
	r.networks(c)
	r.hyperConverged(c)
	r.availability(c)
	r.backup(c)
	r.migration(c)
	r.pipelines(c)
	if len(r.errs) > 0 {
		return nil, fmt.Errorf("%s: %w", virtualization.File, errors.Join(r.errs...))
	}
	return r.sorted(), nil
}

// once reports whether an object was not asked for before.
func (r *renderer) once(kind, namespace, name string) bool {
	key := kind + " " + namespace + "/" + name
	first := !r.seen[key]
	r.seen[key] = true
	return first
}
