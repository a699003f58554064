package create

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/types"
)

// claim makes sure, before an infrastructure id is drawn, that this run does not begin a second cluster beside one
// that it has forgotten. It returns the id that an earlier run has drawn, and what is known of that cluster.
func (c command) claim(
	ctx context.Context, inst Assets, cfg *types.InstallConfig, platform machines.Platform, p machines.Provider,
) (drawn string, e handoff.Evidence, err error) {
	if drawn, err = inst.DrawnInfraID(); err != nil {
		return "", e, err
	}
	if drawn == "" {
		if err := c.forgotten(ctx, platform, p); err != nil {
			return "", e, err
		}
	}
	if platform.ByHand || platform.SelfInstalling {
		return drawn, e, nil // nothing there remembers clusters
	}
	if drawn != "" {
		if e = look(ctx, c.Sink, p, drawn, inst.Past()); !e.Absent() {
			return drawn, e, nil
		}
	}
	mine := machines.Record{InfraID: drawn, Domain: cfg.ClusterDomain(), APIVIPs: cfg.APIVIPs()}
	return drawn, e, c.rivals(ctx, p, mine, cfg.Metadata.Name)
}

func look(
	ctx context.Context, sink event.Sink, p machines.Provider, infraID string, past assets.Past,
) handoff.Evidence {
	return handoff.Look(ctx, sink, p, infraID, past.Started, past.HandedOver)
}

// forgotten stops where metadata.json names a cluster whose state is gone, unless the platform proves that it is, too.
func (c command) forgotten(ctx context.Context, platform machines.Platform, p machines.Provider) error {
	path := c.Path(install.MetadataFile)
	meta, err := c.Metadata()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	next := "restore " + c.Path(asset.StateName) + " from a backup to go on with that cluster, or remove it with " +
		c.Quoted("destroy cluster") + "; if it is not yours, move " + path + " and auth/ away"
	if err != nil {
		return exit.Stopped(next, "there is no state, and which cluster it was of is not known: %w", err)
	}
	if meta.InfraID == "" {
		return nil
	}
	lost := fmt.Sprintf("%s names cluster %s, whose state is gone", path, meta.InfraID)
	if platform.SelfInstalling {
		return exit.Stopped(next, "%s, and its hosts may run it: another one would be made in its place", lost)
	}
	e := look(ctx, c.Sink, p, meta.InfraID, assets.Past{})
	switch {
	case e.Absent():
		event.Info(c.Sink, "The platform has nothing of cluster "+meta.InfraID+", which "+path+
			" names: this is another one")
		return nil
	case e.Platform != nil:
		return exit.Stopped(next, "%s, and the platform does not say whether it is there: %w", lost, e.Platform)
	case platform.ByHand:
		return exit.Stopped(next, "%s: another one would be made in its place", lost)
	}
	return exit.Stopped(next,
		"%s but which is still on the platform (%d machines, record: %s): another one would be made beside it",
		lost, len(e.Machines), e.Record.Progress)
}

// rivals stops a cluster that nothing has been made of where another one has its domain or its API address.
func (c command) rivals(ctx context.Context, p machines.Provider, mine machines.Record, name string) error {
	all, err := p.Clusters(ctx)
	if err != nil {
		return exit.Stopped("run the same command again once the platform answers", "%w", err)
	}
	for _, other := range all {
		if other.InfraID == mine.InfraID {
			continue
		}
		next := "go on in the directory from which " + other.InfraID + " was made; `" + c.Self() +
			" destroy cluster --infra-id " + other.InfraID + "` removes it; " +
			"beside it, a cluster needs another name or base domain, and other addresses"
		if what := mine.Clash(other); what != "" {
			return exit.Stopped(next, "cluster %s on this platform has the %s already (record: %s)",
				other.InfraID, what, other.Progress)
		}
		if other.Domain == "" && assets.NamedAfter(other.InfraID, name) && c.HandedOver != handoff.No {
			return exit.Stopped(next+"; if its domain and addresses are others than these, say --handed-over=no",
				"cluster %s on this platform may be of the same domain: the version that made it kept no record",
				other.InfraID)
		}
	}
	return nil
}
