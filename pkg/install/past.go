package install

import (
	"errors"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Past is what the state says of a cluster. Where the state, or the key to it, is
// lost there is other evidence.
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

// RememberHandover marks in the state, if there is one that can be read, that the
// masters of a cluster have taken over.
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
