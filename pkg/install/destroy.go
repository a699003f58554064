package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/seal"
)

const metadataFile = "metadata.json"

// DestroyCluster removes everything that belongs to the cluster from its
// platform, found by tag and name, and then the files that describe it. It
// needs no more than the infrastructure id. What the user wrote stays.
func (a *App) DestroyCluster(ctx context.Context, infraID string) error {
	a.doing = destroying
	lock, err := asset.Lock(a.Dir, a.locking())
	if err != nil {
		return a.classify(err)
	}
	defer func() { _ = lock.Unlock() }()
	return a.journaled(func(j *phase.Journal) error {
		key, err := a.stateKey()
		if err != nil {
			return err
		}
		meta, err := a.identify(infraID)
		if err != nil {
			return err
		}
		p, err := a.connect(ctx, platformOf(meta))
		if err != nil {
			return err
		}
		event.Info(a.Sink, "Destroying cluster "+meta.InfraID)
		if p.byHand {
			event.Info(a.Sink, "The machines of cluster "+meta.InfraID+" are yours: this installer made none, and removes none. Switch them off and wipe their disks; then take the cluster's names out of DNS and its machines out of the load balancer")
		}
		left, err := p.provider(a.Sink, nil).Destroy(ctx, meta.InfraID, machines.Everything)
		if err := remaining(left, err); err != nil {
			return &Failure{Code: ExitOther, Next: "run the same command again once the platform is well", Err: err}
		}
		j.Note(phase.Note{Time: a.Clock.Now(), Message: phase.NoteDestroyed + meta.InfraID + on + platformOf(meta)})
		if a.describes(meta.InfraID, key) {
			err := assets.Forget(a.Dir, key)
			if gone := os.Remove(a.path(planFile)); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
			if err != nil {
				return fmt.Errorf("remove the files of the destroyed cluster: %w", err)
			}
		}
		if !p.byHand {
			event.Info(a.Sink, "Nothing of cluster "+meta.InfraID+" is left")
		}
		event.Info(a.Sink, "Uninstallation complete!")
		return nil
	})
}

// describes says whether the files of the directory are those of a cluster, and
// not of another one that --infra-id left alone.
func (a *App) describes(infraID string, key *seal.Key) bool {
	var meta assets.Metadata
	if data, err := os.ReadFile(a.path(metadataFile)); err == nil && json.Unmarshal(data, &meta) == nil && meta.InfraID != "" {
		return meta.InfraID == infraID
	}
	meta, err := assets.StoredMetadata(a.Dir, key)
	return err == nil && meta.InfraID == infraID
}

// on stands in the note of a destroyed cluster before its platform, so that a
// second destroy can say both although nothing else remembers them.
const on = " on "

// identify finds out which cluster is meant: as told, from metadata.json, from
// the state, or from the journal of an earlier destroy.
func (a *App) identify(infraID string) (assets.Metadata, error) {
	var meta assets.Metadata
	data, err := os.ReadFile(a.path(metadataFile))
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &meta); err != nil {
			return meta, fmt.Errorf("read %s: %w; give the infrastructure id with --infra-id", a.path(metadataFile), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return meta, err
	}
	if infraID != "" && infraID != meta.InfraID {
		return assets.Metadata{InfraID: infraID}, nil
	}
	if meta.InfraID != "" {
		return meta, nil
	}
	key, err := a.stateKey()
	if err != nil {
		return meta, err
	}
	meta, err = assets.StoredMetadata(a.Dir, key)
	if sealed := (*asset.StateError)(nil); errors.As(err, &sealed) {
		return meta, a.classify(err)
	}
	if err == nil && meta.InfraID != "" {
		return meta, nil
	}
	if meta := a.lastDestroyed(); meta.InfraID != "" {
		return meta, nil
	}
	return meta, &Failure{Code: ExitOther, Next: "name the directory of the installation with --dir, or the cluster with --infra-id",
		Err: fmt.Errorf("no metadata.json and no state in %s: which cluster is to be destroyed is not known", a.Dir)}
}

func (a *App) lastDestroyed() assets.Metadata {
	runs, _ := phase.ReadJournal(a.Dir) // of one that was cut off, what can be read
	return gone(runs)
}

// gone is as much as is known of the cluster that the newest destroy in runs has
// removed; its InfraID is empty if there was none.
func gone(runs []phase.Run) assets.Metadata {
	var last assets.Metadata
	for _, r := range runs {
		for _, n := range r.Notes {
			text, is := strings.CutPrefix(n.Message, phase.NoteDestroyed)
			if !is {
				continue
			}
			id, where, _ := strings.Cut(text, on)
			last = assets.Metadata{InfraID: id}
			if where != "" && where != ovirtconfig.Name {
				last.ClusterName = id // platformOf takes a bare id for oVirt's
			}
		}
	}
	return last
}

// remaining turns what a destroy left behind into an error that names it.
func remaining(left []plan.Ref, err error) error {
	if len(left) == 0 {
		return err
	}
	names := make([]string, len(left))
	for i, r := range left {
		names[i] = string(r.Kind) + " " + r.Name
	}
	count := "1 object is"
	if len(left) > 1 {
		count = fmt.Sprintf("%d objects are", len(left))
	}
	text := fmt.Errorf("%s still there: %s", count, strings.Join(names, ", "))
	if err != nil {
		return fmt.Errorf("%w: %w", text, err)
	}
	return text
}
