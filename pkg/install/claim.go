package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/types"
)

// claim makes sure, before an infrastructure id is drawn, that this run does not
// begin a second cluster beside one that it has forgotten. It returns what is
// known of the cluster that an earlier run has drawn the returned id for.
func (a *App) claim(
	ctx context.Context, inst *assets.Installer, cfg *types.InstallConfig, p platform,
) (drawn string, e handoff.Evidence, err error) {
	if drawn, err = inst.DrawnInfraID(); err != nil {
		return "", e, err
	}
	if drawn == "" {
		if err := a.forgotten(ctx, p); err != nil {
			return "", e, err
		}
	}
	if p.byHand {
		return drawn, e, nil
	}
	provider := p.provider(a.Sink, nil)
	if drawn != "" {
		if e = a.evidence(ctx, provider, drawn, inst.Past()); !e.Absent() {
			return drawn, e, nil
		}
	}
	mine := machines.Record{InfraID: drawn, Domain: cfg.ClusterDomain(), APIVIPs: cfg.APIVIPs()}
	return drawn, e, a.rivals(ctx, provider, mine, cfg.Metadata.Name)
}

// stopped ends a run before it has changed anything.
func stopped(next, format string, args ...any) error {
	return exit.With(exit.Unproved, next, fmt.Errorf(format+"; nothing was changed", args...))
}

// forgotten stops where metadata.json names a cluster of which there is no state
// any more, unless the platform proves that it is gone.
func (a *App) forgotten(ctx context.Context, p platform) error {
	path := a.path(metadataFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var meta assets.Metadata
	if err == nil {
		err = json.Unmarshal(data, &meta)
	}
	next := "restore " + a.path(asset.StateName) + " from a backup to go on with that cluster, or remove it with `" +
		a.command("destroy cluster") + "`; if it is none of yours, move " + path + " and auth/ away"
	if err != nil {
		return stopped(next, "there is no state, and which cluster it was of is not known: read %s: %w", path, err)
	}
	if meta.InfraID == "" {
		return nil
	}
	e := a.evidence(ctx, p.provider(a.Sink, nil), meta.InfraID, assets.Past{})
	lost := fmt.Sprintf("%s names cluster %s, whose state is gone", path, meta.InfraID)
	switch {
	case e.Absent():
		event.Info(a.Sink, "The platform has nothing of cluster "+meta.InfraID+", which "+path+" names: this is another one")
		return nil
	case e.Platform != nil:
		return stopped(next, "%s, and the platform does not say whether it is there: %w", lost, e.Platform)
	case p.byHand:
		return stopped(next, "%s: another one would be made in its place", lost)
	}
	return stopped(next, "%s but which is still on the platform (%d machines, record: %s): another one would be made beside it",
		lost, len(e.Machines), e.Record.Progress)
}

// rivals stops a cluster that nothing has been made of where another one has its
// domain or its API address.
func (a *App) rivals(ctx context.Context, p machines.Provider, mine machines.Record, name string) error {
	all, err := p.Clusters(ctx)
	if err != nil {
		return stopped("run the same command again once the platform answers", "%w", err)
	}
	for _, other := range all {
		if other.InfraID == mine.InfraID {
			continue
		}
		next := "go on in the directory from which " + other.InfraID + " was made; `" + a.self() + " destroy cluster --infra-id " +
			other.InfraID + "` removes it; beside it, a cluster needs another name or base domain, and other addresses"
		if what := mine.Clash(other); what != "" {
			return stopped(next, "cluster %s on this platform has the %s already (record: %s)", other.InfraID, what, other.Progress)
		}
		if other.Domain == "" && assets.NamedAfter(other.InfraID, name) && a.Options.HandedOver != handoff.No {
			return stopped(next+"; if its domain and addresses are others than these, say --handed-over=no",
				"cluster %s on this platform may be of the same domain: the version that made it kept no record", other.InfraID)
		}
	}
	return nil
}
