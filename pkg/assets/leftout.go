package assets

import (
	"errors"
	"io/fs"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/seal"
)

// leftOut are the names of the hosts that the installation has gone on without.
var leftOut = asset.Param[[]string]("left-out")

// LeftOut are the names of the hosts that the installation has gone on without.
func (i *Installer) LeftOut() ([]string, error) {
	names, _, err := asset.Recall(i.store, leftOut)
	return names, err
}

// KeepLeftOut remembers which hosts the installation goes on without.
func (i *Installer) KeepLeftOut(names []string) error { return asset.Remember(i.store, leftOut, names) }

// StoredLeftOut are the hosts that the installation of a directory has gone on without.
func StoredLeftOut(dir string, key *seal.Key) ([]string, error) {
	names, err := asset.Stored(dir, key, leftOut)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}
