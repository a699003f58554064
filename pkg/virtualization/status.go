package virtualization

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/kube"
)

// State is how an object, or a part of the stack, is.
type State string

// The states.
const (
	Ready   State = "ready"
	Waiting State = "waiting" // it is being worked on
	Failed  State = "failed"  // it does not mend itself
	Missing State = "missing" // it has not been deployed
)

// Part is one object of the stack, or what comes of several.
type Part struct {
	Step  string `json:"step"`
	Name  string `json:"name"` // kind, namespace and name
	State State  `json:"state"`
	// Ours is whether removal would take the object away: it was made by this installer.
	Ours bool   `json:"ours"`
	Why  string `json:"why,omitempty"` // what holds it up
}

// Status is the stack as it is now.
type Status struct {
	Ready bool   `json:"ready"`
	Parts []Part `json:"parts"`
}

// Status looks at the manifests' objects once, and changes nothing.
func (d *Deployer) Status(ctx context.Context) (Status, error) {
	w := d.world()
	s := Status{Ready: true}
	add := func(p Part, missing string, err error) error {
		switch {
		case isStuck(err):
			p.State, p.Why = Failed, err.Error()
		case err != nil:
			return fmt.Errorf("ask %s about %s: %s", d.API.URL(), p.Name, kube.Cause(err))
		case missing != "":
			p.Why = missing
		default:
			p.State = Ready
		}
		s.Ready = s.Ready && p.State == Ready
		s.Parts = append(s.Parts, p)
		return nil
	}
	if err := w.redirected(ctx); err != nil {
		return s, fmt.Errorf("ask %s about its catalogs: %s", d.API.URL(), kube.Cause(err))
	}
	for i, o := range w.objects {
		p := Part{Step: d.Manifests[i].Step, Name: o.String(), State: Waiting}
		live, err := w.live(ctx, o)
		missing := ""
		switch {
		case err != nil:
		case live == nil:
			p.State, missing = Missing, "it does not exist"
		default:
			p.Ours = owned(live)
			missing, err = kindOf(o).settled(ctx, w, live)
		}
		if err := add(p, missing, err); err != nil {
			return s, err
		}
	}
	for _, last := range []struct {
		step, name string
		look       look
	}{
		{stepProfiles, "storage profiles", w.profiles},
		{stepImages, "golden images", w.images},
	} {
		missing, err := last.look(ctx)
		if err := add(Part{Step: last.step, Name: last.name, State: Waiting}, missing, err); err != nil {
			return s, err
		}
	}
	return s, nil
}
