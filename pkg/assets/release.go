package assets

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/types"
)

// Pin is the release of an installation and where it was found. Later runs use it
// without asking again.
type Pin struct {
	PullSpec string    `json:"pullSpec"`          // by digest, unless the environment names a tag
	Version  string    `json:"version,omitempty"` // empty: not known
	Asked    string    `json:"asked,omitempty"`   // what the user asked for
	From     string    `json:"from"`              // where it was found, in words
	BuiltIn  bool      `json:"builtIn,omitempty"` // the program's own, which changes with it
	Chosen   time.Time `json:"chosen,omitzero"`
	// SignedBy is the fingerprint of the key with which the image was signed, empty
	// if that was not checked.
	SignedBy string `json:"signedBy,omitempty"`
}

// IsZero reports whether no release was chosen.
func (p Pin) IsZero() bool { return p.PullSpec == "" }

var releasePin = asset.Param[Pin]("release-pin")

// setRelease sets the release image and its version for this run.
func setRelease(store *asset.Store, deps Deps) error {
	asset.Set(store, ReleaseImage, deps.ReleaseImage)
	asset.Set(store, ReleaseVersion, deps.ReleaseVersion)
	running, _, err := asset.Recall(store, RunningVersion)
	if err != nil {
		return err
	}
	asset.Set(store, RunningVersion, running)
	if deps.ReleaseImage != "" {
		return nil
	}
	pin, err := recallPin(store)
	if err != nil {
		return err
	}
	asset.Set(store, ReleaseImage, pin.PullSpec)
	asset.Set(store, ReleaseVersion, pin.Version) // manifests need no image, and may be all that was made
	return nil
}

func recallPin(store *asset.Store) (Pin, error) {
	pin, ok, err := asset.Recall(store, releasePin)
	if ok || err != nil {
		return pin, err
	}
	// A release from the environment is not a pin, but is stored too.
	image, _, err := asset.Recall(store, ReleaseImage)
	if err != nil {
		return Pin{}, err
	}
	version, _, err := asset.Recall(store, ReleaseVersion)
	return Pin{PullSpec: image, Version: version, From: "an earlier run"}, err
}

// Pin is the release that an earlier run chose; the zero value if none did.
func (i *Installer) Pin() (Pin, error) { return recallPin(i.store) }

// SetPin sets the release for this run and, on disk when it returns, for later ones.
func (i *Installer) SetPin(pin Pin) error {
	if err := asset.Remember(i.store, releasePin, pin); err != nil {
		return err
	}
	return setRelease(i.store, Deps{})
}

// Started reports whether machines were started, so that the release cannot change.
func (i *Installer) Started() bool { return !i.store.Past().Started.IsZero() }

// Settings is Config without warnings, for use before the work begins.
func (i *Installer) Settings(ctx context.Context) (*types.InstallConfig, error) {
	r, err := i.evaluate(ctx, nil, Config)
	if err != nil {
		return nil, err
	}
	return asset.Of(r, Config).InstallConfig, nil
}

// StoredPin is Pin without a lock. It fails with fs.ErrNotExist if there is none.
func StoredPin(dir string, key *seal.Key) (Pin, error) {
	pin, err := asset.Stored(dir, key, releasePin)
	if errors.Is(err, fs.ErrNotExist) {
		pin.PullSpec, err = asset.Stored(dir, key, ReleaseImage)
	}
	if err == nil && pin.IsZero() {
		err = fs.ErrNotExist
	}
	return pin, err
}
