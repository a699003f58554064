package metal

import (
	"context"
	"log/slog"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
)

// EnvLogins names a file with the logins of BMCs, for clusters of which there is no install-config any more.
const EnvLogins = "OKD_INSTALL_BMC_LOGINS"

// Connect finds the hosts in the install-config or, without one, in metadata.json and a file with logins. Nothing is
// sent to a BMC before its host is needed.
func Connect(_ context.Context, a machines.Access) (machines.Connection, error) {
	o := Options{
		Media: a.Media, TakeRunning: a.TakeRunning, Node: a.Node, Registered: a.Registered, Proved: a.Proved, Prove: a.Prove,
		Hide: a.Hide, Parallel: a.Parallel, Clock: a.Clock,
		Log: slog.New(event.Handler(a.Sink)),
	}
	var err error
	if o.Hosts, o.CA, err = hostsOf(a); err != nil {
		return nil, err
	}
	rack := New(o)
	return func(sink event.Sink, fetch machines.Fetch) machines.Provider { return rack.Provider(sink, fetch) }, nil
}
