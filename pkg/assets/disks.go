package assets

import (
	"errors"
	"io/fs"
	"maps"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/seal"
)

// machineDisks are the disks that machines were installed to, by the machines' names. Hosts say so after they were
// started, when metadata.json is not made anew any more.
var machineDisks = asset.Param[map[string]agent.DiskID]("machine-disks")

// KeepDisks remembers which disks machines are installed to, besides those of which that is known.
func (i *Installer) KeepDisks(disks map[string]agent.DiskID) error {
	known, _, err := asset.Recall(i.store, machineDisks)
	if err != nil {
		return err
	}
	all := map[string]agent.DiskID{}
	maps.Copy(all, known)
	maps.Copy(all, disks)
	return asset.Remember(i.store, machineDisks, all)
}

// StoredDisks are the disks that the machines of a directory were installed to, as far as that is known.
func StoredDisks(dir string, key *seal.Key) (map[string]agent.DiskID, error) {
	disks, err := asset.Stored(dir, key, machineDisks)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return disks, err
}
