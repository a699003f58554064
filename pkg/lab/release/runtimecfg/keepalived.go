package runtimecfg

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Prober asks a local service.
type Prober interface {
	OK(ctx context.Context, url string) bool
}

// HostSource lists nodes.
type HostSource interface {
	Hosts(ctx context.Context) []Host
	Clients() []*kube.Client
}

// Keepalived keeps keepalived.conf and the numbers behind its priorities.
type Keepalived struct {
	Facts  Facts // Hosts and Serving are filled in here
	Nodes  HostSource
	Probe  Prober
	Output Output
	Tell   func(order string) error
	Clock  clock.Clock
	Log    *slog.Logger

	checks  map[string]*Debounce
	written map[string]bool
	reload  time.Time // when keepalived was last told to reload
	changed time.Time // when a result was last written
	router  time.Time // when the default router was last looked for
	isHome  bool      // and whether one runs here
	retell  bool
}

// settle keeps results and reloads apart: keepalived 2.2.7 loses for good a result
// that changes while it reloads.
const settle = 500 * time.Millisecond

// Step checks once and renders if something changed.
func (k *Keepalived) Step(ctx context.Context) error {
	if err := os.MkdirAll(k.Facts.TrackDir, 0o755); err != nil {
		return fmt.Errorf("prepare checks: %w", err)
	}
	k.Facts.Hosts = k.Nodes.Hosts(ctx)
	if k.Facts.Role != "bootstrap" {
		if err := k.track(ctx); err != nil {
			return err
		}
	}
	c := Compute(k.Facts)
	if !c.API.Enabled && !c.Ingress.Enabled {
		return nil
	}
	if _, err := os.Stat(k.Output.Path); err == nil && k.Clock.Now().Sub(k.changed) < settle {
		return nil // the next step renders it
	}
	changed, err := k.Output.Write(c)
	if err != nil {
		return err
	}
	if changed {
		k.Log.Info("keepalived configured",
			"api", c.API.Enabled, "apiPeers", c.API.Peers, "ingressPeers", c.Ingress.Peers)
	}
	if changed || k.retell {
		// The other container may not be up yet; it then reads the new file.
		k.retell = k.Tell(supervise.Reload) != nil
		k.reload = k.Clock.Now()
	}
	return nil
}

// track runs the checks and writes their results for keepalived.
func (k *Keepalived) track(ctx context.Context) error {
	local := func(scheme string, port int, path string) bool {
		return k.Probe.OK(ctx, scheme+"://127.0.0.1:"+strconv.Itoa(port)+path)
	}
	states := map[string]bool{}
	if k.Facts.Role == "master" {
		lb := local("http", PortHealth, "/haproxy_ready")
		states["ocp_lb"] = k.debounce("ocp_lb", lb)
		states["ocp_both"] = k.debounce("ocp_both", lb || local("https", PortAPI, "/readyz"))
		states["ocp_mcs"] = k.debounce("ocp_mcs", local("https", PortMCS, "/healthz"))
		if states["ocp_both"] {
			k.Facts.Serving = true
		}
	}
	ready := k.debounce("ingress_ready", local("http", PortRouter, "/healthz/ready"))
	states["ingress_ready"] = ready
	states["default_ingress"] = ready && k.defaultRouter(ctx)
	if k.Clock.Now().Sub(k.reload) < settle {
		return nil // the next step writes it
	}
	for name, up := range states {
		have, ok := k.written[name]
		if ok && have == up {
			continue
		}
		value := "0\n"
		if up {
			value = "1\n"
		}
		if err := os.WriteFile(filepath.Join(k.Facts.TrackDir, name), []byte(value), 0o644); err != nil {
			return fmt.Errorf("write check %s: %w", name, err)
		}
		if k.written == nil {
			k.written = map[string]bool{}
		}
		k.written[name] = up
		k.changed = k.Clock.Now()
		k.Log.Info("check changed", "check", name, "up", up)
	}
	return nil
}

func (k *Keepalived) debounce(name string, ok bool) bool {
	if k.checks == nil {
		k.checks = map[string]*Debounce{}
	}
	if k.checks[name] == nil {
		// A restart is no reason to move an address: the last result stands.
		last, _ := os.ReadFile(filepath.Join(k.Facts.TrackDir, name))
		k.checks[name] = &Debounce{Up: string(last) == "1\n"}
	}
	return k.checks[name].Add(ok)
}

// defaultRouter reports whether a default router runs here; asked every ten seconds.
func (k *Keepalived) defaultRouter(ctx context.Context) bool {
	if now := k.Clock.Now(); now.Sub(k.router) < 10*time.Second {
		return k.isHome
	}
	endpointSlices := kube.Kind{Group: "discovery.k8s.io", Version: "v1", Plural: "endpointslices"}
	ofRouter := url.Values{
		"resourceVersion": {"0"}, "labelSelector": {"kubernetes.io/service-name=router-internal-default"},
	}
	for _, c := range k.Nodes.Clients() {
		var list discoveryv1.EndpointSliceList
		if err := c.Query(ctx, endpointSlices, "openshift-ingress", ofRouter, &list); err != nil {
			continue
		}
		k.router = k.Clock.Now()
		k.isHome = false
		for _, s := range list.Items {
			for _, e := range s.Endpoints {
				for _, a := range e.Addresses {
					k.isHome = k.isHome || a == k.Facts.Local.Address
				}
			}
		}
		break
	}
	return k.isHome
}

// Handover gives the API address away once the bootstrap's API server is gone.
type Handover struct {
	Probe     Prober
	URL       string              // of the local API server's readyz
	Every     time.Duration       // between probes
	Threshold int                 // give away after more failures in a row than this
	Open      func() (int, error) // counts the connections that the API server still has
	Config    string              // keepalived.conf; removed, so that a restarted container stays silent
	Tell      func(order string) error
	Clock     clock.Clock
	Log       *slog.Logger
}

// Wait waits for the local API server to come and to go.
func (h Handover) Wait(ctx context.Context) error {
	seen, failures := false, 0
	for {
		switch ok := h.Probe.OK(ctx, h.URL); {
		case ok:
			if !seen {
				h.Log.Info("local API server answers")
			}
			seen, failures = true, 0
		case seen:
			failures++
		}
		if failures > h.Threshold {
			h.Log.Info("local API server is gone; giving the API address to the masters", "failures", failures)
			return nil
		}
		if err := h.Clock.Sleep(ctx, h.Every); err != nil {
			return err
		}
	}
}

// drainLimit bounds how long connections may keep the address here.
const drainLimit = 10 * time.Second

// Drain waits until the API server, which stops listening before it ends, has closed
// its connections. A client whose connection goes when the address has moved is not
// told: a kubelet notices after 30 s, and starts no pod until then.
func (h Handover) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	err := wait.Until(ctx, h.Clock, h.Every/3, func(context.Context) (bool, string, error) {
		n, err := h.Open()
		return n == 0, fmt.Sprintf("%d connections", n), err
	})
	if err != nil {
		h.Log.Warn("API server has connections", "err", err)
	}
}

// Give stops keepalived, so that a master takes over at once.
func (h Handover) Give(ctx context.Context) error {
	if err := os.Remove(h.Config); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("hand over API address: %w", err)
	}
	for h.Tell(supervise.Stop) != nil {
		if err := h.Clock.Sleep(ctx, h.Every); err != nil {
			return err
		}
	}
	return nil
}
