package destroy

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	installagent "github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/seal"
)

// removal removes what a cluster has on its platform.
type removal struct {
	*install.Env
	options Options
	access  machines.Access
	key     *seal.Key
	infraID string
}

func (r removal) run(ctx context.Context, connected machines.Connection) error {
	var medium string
	p := connected(r.Sink, func(_ context.Context, image plan.Image) (plan.Image, error) {
		image.Path = medium
		return image, nil
	})
	defer r.CloseSessions(ctx, p)
	var w machines.Wiper
	if r.options.WipeDisks { // what that needs is there before anything is switched off
		var can bool
		if w, can = p.(machines.Wiper); !can {
			return exit.New("run the same command without --wipe-disks", "the platform of cluster %s cannot wipe disks",
				r.infraID)
		}
		var err error
		if medium, err = r.medium(ctx, w.Written()); err != nil {
			return err
		}
		defer func() { _ = os.Remove(medium) }()
	}
	left, err := p.Destroy(ctx, r.infraID, machines.Everything)
	if w != nil && ctx.Err() == nil {
		var names []string
		for _, h := range w.Written() {
			if !slices.ContainsFunc(left, func(r plan.Ref) bool { return r.Kind == plan.KindHost && r.Name == h.Name }) {
				names = append(names, h.Name)
			}
		}
		unwiped, wipeErr := w.Wipe(ctx, r.infraID, names)
		left, err = append(left, unwiped...), errors.Join(err, wipeErr)
	}
	if err := machines.Remaining(left, err); err != nil {
		return exit.With(exit.Other, cmp.Or(exit.Next(err), "run the same command again once the platform works"), err)
	}
	return nil
}

// medium makes the image that wipes. Hosts that could not find themselves in it are named later, one by one.
func (r removal) medium(ctx context.Context, hosts []agent.WipeHost) (string, error) {
	hosts = slices.DeleteFunc(hosts, func(h agent.WipeHost) bool { return len(h.MACs) == 0 && h.UUID == "" })
	iso := installagent.WipeISO{
		Program: r.options.Program, Config: r.access.Config, What: agent.Wipe{InfraID: r.infraID, Hosts: hosts},
	}
	if pin, err := assets.StoredPin(r.Dir, r.key); err == nil {
		iso.Release, iso.Version = pin.PullSpec, pin.Version
	} else {
		event.Debug(r.Sink, "the state does not say which release was installed", "err", err)
	}
	return iso.Make(ctx, r.Env, r.Sink)
}
