package install

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Identify finds the cluster: as told, from metadata.json, from the state, or from the journal of an earlier destroy.
func (e *Env) Identify(infraID string) (phase.Cluster, error) {
	meta, err := e.Metadata()
	if err != nil && infraID == "" && !errors.Is(err, fs.ErrNotExist) {
		return phase.Cluster{}, err
	}
	switch {
	case infraID != "" && infraID != meta.InfraID:
		return e.locate(assets.Metadata{InfraID: infraID}, false), nil
	case meta.InfraID != "":
		return e.locate(meta, true), nil
	}
	key, err := e.StateKey()
	if err != nil {
		return phase.Cluster{}, err
	}
	meta, err = assets.StoredMetadata(e.Dir, key)
	if sealed := (*asset.StateError)(nil); errors.As(err, &sealed) {
		return phase.Cluster{}, e.Explain(err)
	}
	if err == nil && meta.InfraID != "" {
		return e.locate(meta, true), nil
	}
	runs, _ := phase.ReadJournal(e.Dir) // of one that was cut off, what can be read
	if last := phase.LastDestroyed(runs); last.InfraID != "" {
		return e.locate(assets.Metadata{InfraID: last.InfraID}, false), nil
	}
	return phase.Cluster{}, exit.New(
		"name the directory of the installation with --dir, or the cluster with --infra-id",
		"no metadata.json and no state in %s: which cluster is meant is not known", e.Dir)
}

// Metadata reads metadata.json. It fails with fs.ErrNotExist if there is none.
func (e *Env) Metadata() (assets.Metadata, error) {
	var meta assets.Metadata
	path := e.Path(MetadataFile)
	file, err := os.ReadFile(path)
	if err != nil {
		return meta, err
	}
	if err := json.Unmarshal(file, &meta); err != nil {
		return meta, exit.New("give the infrastructure id with --infra-id", "read %s: %w", path, err)
	}
	return meta, nil
}

// locate adds the platform of a cluster: as the journal, the metadata or the state name it. Older versions named it
// nowhere on some platforms; whole says that meta is more than an infrastructure ID.
func (e *Env) locate(meta assets.Metadata, whole bool) phase.Cluster {
	found := phase.Cluster{InfraID: meta.InfraID}
	runs, _ := phase.ReadJournal(e.Dir)
	for _, r := range runs {
		if r.Cluster != nil && r.Cluster.InfraID == found.InfraID && r.Cluster.Platform != "" {
			found.Platform = r.Cluster.Platform
		}
	}
	found.Platform = cmp.Or(found.Platform, meta.Platform, e.storedPlatform(found.InfraID), e.Platforms.Assumed(whole))
	return found
}

// storedPlatform is the platform of a cluster according to the state, empty if that cannot be read.
func (e *Env) storedPlatform(infraID string) string {
	key, err := e.StateKey()
	if err != nil {
		return ""
	}
	meta, err := assets.StoredMetadata(e.Dir, key)
	if err != nil || meta.InfraID != infraID {
		return ""
	}
	return meta.Platform
}

// Describes reports whether the files of the directory are those of a cluster, not of one that --infra-id left alone.
func (e *Env) Describes(infraID string, key *seal.Key) bool {
	if meta, err := e.Metadata(); err == nil && meta.InfraID != "" {
		return meta.InfraID == infraID
	}
	meta, err := assets.StoredMetadata(e.Dir, key)
	return err == nil && meta.InfraID == infraID
}

// Past is what the state says of a cluster. Where the state, or the key to it, is lost there is other evidence.
func (e *Env) Past(infraID string) (assets.Past, error) {
	key, err := e.StateKey()
	if err != nil {
		return assets.Past{}, err
	}
	past, err := assets.StoredPast(e.Dir, key, infraID)
	if unreadable := (*asset.StateError)(nil); errors.As(err, &unreadable) {
		event.Warn(e.Sink, "The state cannot be read and is not taken into account", "err", err)
		return assets.Past{}, nil
	}
	return past, err
}

// RememberHandover marks in the state, if it can be read, that the masters of a cluster have taken over.
func (e *Env) RememberHandover(lock *workdir.Lock, infraID string) error {
	key, err := e.StateKey()
	if err != nil {
		return err
	}
	err = assets.MarkHandedOver(lock, e.Dir, key, infraID, e.Clock.Now())
	if unreadable := (*asset.StateError)(nil); errors.As(err, &unreadable) {
		return nil // the platform has the mark
	}
	return err
}

// RememberOwnHandover is RememberHandover for the cluster of the directory, if it is known which one that is.
func (e *Env) RememberOwnHandover(lock *workdir.Lock) error {
	cluster, err := e.Identify("")
	if err != nil {
		return nil
	}
	return e.RememberHandover(lock, cluster.InfraID)
}
