package install

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/seal"
)

// Identify finds out which cluster is meant and where it is: as told, from
// metadata.json, from the state, or from the journal of an earlier destroy.
func (e *Env) Identify(infraID string) (phase.Cluster, error) {
	file, meta, err := e.Metadata()
	if err != nil && infraID == "" && !errors.Is(err, fs.ErrNotExist) {
		return phase.Cluster{}, err
	}
	switch {
	case infraID != "" && infraID != meta.InfraID:
		return e.locate(infraID, nil), nil
	case meta.InfraID != "":
		return e.locate(meta.InfraID, file), nil
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
		file, err = json.Marshal(meta)
		return e.locate(meta.InfraID, file), err
	}
	runs, _ := phase.ReadJournal(e.Dir) // of one that was cut off, what can be read
	if last := phase.LastDestroyed(runs); last.InfraID != "" {
		return e.locate(last.InfraID, nil), nil
	}
	return phase.Cluster{}, exit.New(
		"name the directory of the installation with --dir, or the cluster with --infra-id",
		"no metadata.json and no state in %s: which cluster is meant is not known", e.Dir)
}

// Metadata reads metadata.json: as it is, and decoded. It fails with
// fs.ErrNotExist if there is none.
func (e *Env) Metadata() (file []byte, meta assets.Metadata, err error) {
	path := e.Path(MetadataFile)
	if file, err = os.ReadFile(path); err != nil {
		return nil, meta, err
	}
	if err := json.Unmarshal(file, &meta); err != nil {
		return file, meta, exit.New("give the infrastructure id with --infra-id", "read %s: %w", path, err)
	}
	return file, meta, nil
}

// locate adds the platform of a cluster: as the journal has it or, where an older
// version kept that, as its metadata shows it.
func (e *Env) locate(infraID string, metadata []byte) phase.Cluster {
	found := phase.Cluster{InfraID: infraID}
	runs, _ := phase.ReadJournal(e.Dir)
	for _, r := range runs {
		if r.Cluster != nil && r.Cluster.InfraID == infraID && r.Cluster.Platform != "" {
			found.Platform = r.Cluster.Platform
		}
	}
	if found.Platform == "" {
		found.Platform = e.Platforms.Of(metadata)
	}
	return found
}

// Describes reports whether the files of the directory are those of a cluster, and
// not of another one that --infra-id left alone.
func (e *Env) Describes(infraID string, key *seal.Key) bool {
	if _, meta, err := e.Metadata(); err == nil && meta.InfraID != "" {
		return meta.InfraID == infraID
	}
	meta, err := assets.StoredMetadata(e.Dir, key)
	return err == nil && meta.InfraID == infraID
}
