package cli

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/updates"
)

// updateService lists the world's releases and signs them.
type updateService struct {
	*updates.Service
	url  string
	key  []byte // public
	down atomic.Bool
}

func (u *updateService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	u.Service.ServeHTTP(w, r)
}

func (w *world) startUpdates() error {
	signer, err := updates.NewSigner("world", time.Now())
	if err != nil {
		return err
	}
	u := &updateService{Service: &updates.Service{
		Repository: w.registry + "/okd/release", Signer: signer, Clock: clock.Real(),
		Releases: func() map[string]string { return w.releases },
	}}
	if u.key, err = signer.Public(); err != nil {
		return err
	}
	l, address, err := w.listen(7)
	if err != nil {
		return err
	}
	u.url, w.updates = "https://"+address, u
	return w.serve(l, 7, u)
}

// serviceCommand changes the update service: service on|off|forged|good.
func serviceCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: service on|off|forged|good")
	}
	u := worldOf(ts).updates
	switch args[0] {
	case "on", "off":
		u.down.Store(args[0] == "off")
	case "forged", "good":
		ts.Check(u.Forge(args[0] == "forged"))
	default:
		ts.Fatalf("unknown service state %q", args[0])
	}
}
