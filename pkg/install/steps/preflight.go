package steps

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
)

// Preflight looks for everything that would stop the installation, and changes nothing.
type Preflight struct {
	Config    *types.InstallConfig
	Release   Lazy[*release.Release]
	Plan      Lazy[plan.Plan]
	Providers Providers
}

// Run does it.
func (s Preflight) Run(ctx context.Context, sink event.Sink) error {
	rel, err := s.Release(ctx, sink)
	if err != nil {
		return err
	}
	event.Info(sink, "Release "+rel.Version, "image", rel.PullSpec)
	has := func(tag string) bool { _, ok := rel.Image(tag); return ok }
	if err := bootstrap.Refuse(s.Config, rel.Version, has); err != nil {
		return err
	}
	p, err := s.Plan(ctx, sink)
	if err != nil {
		return err
	}
	event.ProgressOf(sink, "checking the platform")
	vips := make(chan error, 1) // meanwhile: a free address costs the whole time limit
	go func() { vips <- s.vipsFree(ctx) }()
	findings, err := s.Providers(sink).Preflight(ctx, p)
	if err != nil {
		return fmt.Errorf("check the platform: %w", err)
	}
	for _, line := range findings.Lines(true) {
		event.Warn(sink, line)
	}
	return errors.Join(findings.Err(), <-vips)
}

// dialLimit is how long a host on the same site has to answer a connection.
const dialLimit = time.Second

// vipsFree names the virtual addresses that are in use. It tries the ports that the cluster will serve; a host that has
// none of them open cannot be seen from another network.
func (s Preflight) vipsFree(ctx context.Context) error {
	var mu sync.Mutex
	var taken []string
	var dials sync.WaitGroup
	try := func(field string, vips []netip.Addr, ports ...string) {
		for _, vip := range vips {
			for _, port := range ports {
				dials.Go(func() {
					if !answers(ctx, net.JoinHostPort(vip.String(), port)) {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					taken = append(taken, fmt.Sprintf("install-config.yaml: %s: Invalid value: %q: another host "+
						"answers there on port %s; choose a free address", field, vip, port))
				})
			}
		}
	}
	api, ingress := s.Config.VIPFields()
	try(api, s.Config.APIVIPs(), "6443", "22623")
	try(ingress, s.Config.IngressVIPs(), "443")
	dials.Wait()
	if len(taken) > 0 {
		return errors.New(strings.Join(taken, "\n"))
	}
	return nil
}

func answers(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: dialLimit}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
