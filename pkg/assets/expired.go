package assets

import (
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/pki"
)

// shortLived are authorities of a day; all others of a day are as old.
var shortLived = []asset.Asset[pki.Pair]{KubeletSigner, AggregatorSigner, AggregatorCA}

// sayExpired says, once machines were started, that certificates have expired
// with which the bootstrap host was started. They stay what they are: the
// control plane that is there has the same. Before machines are started the
// store makes such certificates anew.
func (i *Installer) sayExpired(r *asset.Result) {
	if i.store.Started().IsZero() {
		return
	}
	var ended time.Time
	for _, signer := range shortLived {
		if at := asset.Of(r, signer).Expires(); !at.After(i.clock.Now()) && (ended.IsZero() || at.Before(ended)) {
			ended = at
		}
	}
	if !ended.IsZero() {
		event.Info(i.events, "certificates of the bootstrap host have expired and stay, because machines were started "+
			"with them; if the masters have not taken over yet, destroy the cluster and create it again",
			"expired", ended.UTC().Format(time.RFC3339))
	}
}
