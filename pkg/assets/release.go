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

// Pin is the release that an installation is made of, and how it came to that.
// Later runs do not ask again.
type Pin struct {
	PullSpec string    `json:"pullSpec"`          // by digest, unless the environment names a tag
	Version  string    `json:"version,omitempty"` // empty: not known
	Asked    string    `json:"asked,omitempty"`   // what the user wrote
	From     string    `json:"from"`              // where it was found, in words
	BuiltIn  bool      `json:"builtIn,omitempty"` // it came with the program, and changes with it
	Chosen   time.Time `json:"chosen,omitzero"`
	// SignedBy is the fingerprint of the key with which the image was signed, empty
	// if that was not checked.
	SignedBy string `json:"signedBy,omitempty"`
}

// IsZero reports whether no release was chosen.
func (p Pin) IsZero() bool { return p.PullSpec == "" }

var releasePin = asset.Param[Pin]("release-pin")

// setRelease gives image and version their values for this run; they go together.
func setRelease(store *asset.Store, deps Deps) error {
	asset.Set(store, ReleaseImage, deps.ReleaseImage)
	asset.Set(store, ReleaseVersion, deps.ReleaseVersion)
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
	// A release that the environment named is no pin, but is remembered as well.
	image, _, err := asset.Recall(store, ReleaseImage)
	if err != nil {
		return Pin{}, err
	}
	version, _, err := asset.Recall(store, ReleaseVersion)
	return Pin{PullSpec: image, Version: version, From: "an earlier run"}, err
}

// Pin is the release that an earlier run chose; the zero value if none did.
func (i *Installer) Pin() (Pin, error) { return recallPin(i.store) }

// SetPin makes a release that of the installation, for this run and, on disk when
// it returns, for later ones.
func (i *Installer) SetPin(pin Pin) error {
	if err := asset.Remember(i.store, releasePin, pin); err != nil {
		return err
	}
	return setRelease(i.store, Deps{})
}

// Started reports whether machines were started from the assets: then the release
// stays what it is.
func (i *Installer) Started() bool { return !i.store.Started().IsZero() }

// Settings is Config for whoever needs it before the work begins: what is dubious
// is not said yet.
func (i *Installer) Settings(ctx context.Context) (*types.InstallConfig, error) {
	r, err := i.evaluate(ctx, nil, Config)
	if err != nil {
		return nil, err
	}
	return asset.Of(r, Config).InstallConfig, nil
}

// StoredPin is the release that an earlier run chose. It fails with fs.ErrNotExist
// if none did.
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
