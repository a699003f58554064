package assets

import (
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/pki"
)

// shortLived are authorities for a day. All other certificates for a day were issued
// at the same time.
var shortLived = []asset.Asset[pki.Pair]{KubeletSigner, AggregatorSigner, AggregatorCA}

// sayExpired reports certificates that have expired since machines were started. They
// stay in use, because the control plane has them. Before that, the store replaces them.
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
