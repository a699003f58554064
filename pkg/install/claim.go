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
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/types"
)

// claim makes sure, before an infrastructure id is drawn, that this run does not
// begin a second cluster beside one that it has forgotten. It returns what is
// known of the cluster that an earlier run has drawn the returned id for.
func (a *App) claim(ctx context.Context, inst *assets.Installer, cfg *types.InstallConfig, p platform) (string, handoff.Evidence, error) {
	drawn, err := inst.DrawnInfraID()
	if err != nil {
		return "", handoff.Evidence{}, err
	}
	if drawn == "" {
		if err := a.forgotten(ctx, p); err != nil {
			return "", handoff.Evidence{}, err
		}
	}
	if p.byHand {
		return drawn, handoff.Evidence{}, nil
	}
	provider := p.provider(a.Sink, nil)
	var e handoff.Evidence
	if drawn != "" {
		e = a.evidence(ctx, provider, drawn, inst.Past())
		if !e.Absent() {
			return drawn, e, nil
		}
	}
	return drawn, e, a.rivals(ctx, provider, machines.Record{InfraID: drawn, Domain: cfg.ClusterDomain(), APIVIPs: cfg.APIVIPs()}, cfg.Metadata.Name)
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
	stop := func(err error) error {
		return &Failure{Code: ExitUnproved,
			Next: "restore " + a.path(asset.StateName) + " from a backup to go on with that cluster, or remove it with `" + a.command("destroy cluster") +
				"`; if it is none of yours, move " + path + " and auth/ away",
			Err: fmt.Errorf("%w; nothing was changed", err)}
	}
	if err != nil {
		return stop(fmt.Errorf("there is no state, and which cluster was made from this directory is not known: read %s: %w", path, err))
	}
	if meta.InfraID == "" {
		return nil
	}
	e := a.evidence(ctx, p.provider(a.Sink, nil), meta.InfraID, assets.Past{})
	switch {
	case e.Absent():
		event.Info(a.Sink, "The platform has nothing of cluster "+meta.InfraID+", which "+path+" names: this is another one")
		return nil
	case e.Platform != nil:
		return stop(fmt.Errorf("%s names cluster %s, whose state is gone, and the platform does not say whether it is there: %w", path, meta.InfraID, e.Platform))
	case p.byHand:
		return stop(fmt.Errorf("%s names cluster %s, whose state is gone: another one would be made in its place", path, meta.InfraID))
	}
	return stop(fmt.Errorf("%s names cluster %s, whose state is gone but which is still on the platform (%d machines, record: %s): another one would be made beside it",
		path, meta.InfraID, len(e.Machines), e.Record.Progress))
}

// rivals stops a cluster that nothing has been made of where another one has its
// domain or its API address.
func (a *App) rivals(ctx context.Context, p machines.Provider, mine machines.Record, name string) error {
	all, err := p.Clusters(ctx)
	if err != nil {
		return &Failure{Code: ExitUnproved, Next: "run the same command again once the platform answers", Err: fmt.Errorf("%w; nothing was changed", err)}
	}
	for _, other := range all {
		if other.InfraID == mine.InfraID {
			continue
		}
		out := "`" + a.self() + " destroy cluster --infra-id " + other.InfraID + "` removes it; beside it, a cluster needs another name or base domain, and other addresses"
		if what := mine.Clash(other); what != "" {
			return &Failure{Code: ExitUnproved, Next: "go on in the directory from which " + other.InfraID + " was made; " + out,
				Err: fmt.Errorf("cluster %s on this platform has the %s already (record: %s); nothing was changed", other.InfraID, what, other.Progress)}
		}
		if other.Domain == "" && assets.NamedAfter(other.InfraID, name) && a.Options.HandedOver != handoff.No {
			return &Failure{Code: ExitUnproved, Next: "if it is this one, go on in the directory from which it was made; " + out +
				"; if it is a cluster of another domain and other addresses, say --handed-over=no",
				Err: fmt.Errorf("cluster %s on this platform may be of the same domain: the version of the installer that made it kept no record; nothing was changed", other.InfraID)}
		}
	}
	return nil
}
