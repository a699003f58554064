package install

import (
	"errors"
	"io/fs"

	"github.com/okd-install/okd-install/pkg/assets"
)

// SelfInstalls reports whether the machines of the directory's cluster install themselves, and an image for them was
// made, so that the ways of agent-based installations lead to them.
func (e *Env) SelfInstalls() (bool, error) {
	cluster, err := e.Identify("")
	if err != nil {
		return false, nil // no cluster is known here
	}
	p, err := e.Platforms.Find(cluster.Platform)
	if err != nil || !p.SelfInstalling {
		return false, nil
	}
	key, err := e.StateKey()
	if err != nil {
		return false, err
	}
	_, err = assets.StoredWatcher(e.Dir, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, e.Explain(err)
	}
	return true, nil
}
