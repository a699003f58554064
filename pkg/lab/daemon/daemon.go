// Package daemon is the process behind a lab: the oVirt engine with its image
// transfers, the registry, the file server, the machines, DHCP and DNS, all in
// the lab's network namespace.
package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cgroup"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/registry"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/lab/updates"
	"github.com/okd-install/okd-install/pkg/lab/volume"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Config is what a daemon needs.
type Config struct {
	Site     site.Site
	Ignition string // the Ignition binary
	Clock    clock.Clock
	Log      *slog.Logger
}

// Daemon is one running lab.
type Daemon struct {
	cfg      Config
	facts    site.Facts
	volumes  *volume.Store
	machines *machine.Supervisor
	engine   *engine.Engine
	registry *gate
	outside  map[string]*gate // by name
	images   *gate
	releases *updates.Service
	updates  *gate
	names    names
	making   sync.Mutex // one standalone machine at a time
	bmcs     bmcs
	// listenAt replaces the addresses of management controllers in tests.
	listenAt func(netip.Addr) (net.Listener, error)
	saved    []byte // state of the engine
}

// The lab's private keys: of its CA, and of who signs its releases.
const (
	CAKeyFile      = "ca.key"
	ReleaseKeyFile = "release-signer.asc"
)

// New takes up the lab as its state directory describes it.
func New(cfg Config) (*Daemon, error) {
	d := &Daemon{cfg: cfg, names: names{site: cfg.Site}}
	var err error
	if d.facts, err = cfg.Site.Facts(); err != nil {
		return nil, err
	}
	if d.volumes, err = volume.Open(cfg.Site.File("volumes")); err != nil {
		return nil, err
	}
	host, err := cgroup.Detect(cfg.Clock)
	if err != nil {
		return nil, err
	}
	if d.machines, err = machine.New(machine.Config{
		Dir: cfg.Site.File("machines"), Disks: d.volumes, Switch: network.Switch{},
		Cgroups: host, Group: cfg.Site.Group(), Ignition: cfg.Ignition,
		Clock: cfg.Clock, Log: cfg.Log,
	}); err != nil {
		return nil, err
	}
	if d.engine, err = d.newEngine(); err != nil {
		return nil, err
	}
	reg, err := registry.New(cfg.Site.File("registry"), registry.Login{
		User: d.facts.Registry.User, Password: secret.New(d.facts.Registry.Password),
	}, append([]string{d.facts.Release.Layout}, d.facts.Content...)...)
	if err != nil {
		return nil, err
	}
	d.registry, d.outside = &gate{next: reg}, map[string]*gate{}
	for _, name := range network.OutsideNames() {
		d.outside[name] = &gate{next: reg.Outside(name, name != network.LoginCatalogs)}
	}
	key, err := os.ReadFile(cfg.Site.File(ReleaseKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read release key: %w", err)
	}
	signer, err := updates.LoadSigner(key)
	if err != nil {
		return nil, err
	}
	_, repository, _ := strings.Cut(d.facts.Updates.Repository, "/")
	d.releases = &updates.Service{
		Repository: d.facts.Updates.Repository, Signer: signer, Clock: cfg.Clock,
		Releases: func() map[string]string { return reg.Tagged(repository) },
	}
	d.updates = &gate{next: d.releases}
	d.images = &gate{next: imageServer(d.facts.Image)}
	return d, nil
}

// imageServer serves OS images and live ISOs from the cache. Each has its own
// directory there, which is part of its URL.
func imageServer(image site.ImageFacts) http.Handler {
	files := func(dir string) http.Handler { return http.FileServer(http.Dir(filepath.Dir(dir))) }
	mux := http.NewServeMux()
	mux.Handle("/", files(image.Dir))
	mux.Handle(network.LivePath+"/", http.StripPrefix(network.LivePath, files(image.Live)))
	return mux
}

func (d *Daemon) newEngine() (*engine.Engine, error) {
	ca, err := os.ReadFile(d.cfg.Site.File(site.CAFile))
	if err != nil {
		return nil, fmt.Errorf("read CA: %w", err)
	}
	e, err := engine.New(engine.Config{
		FQDN:        network.EngineName,
		TransferURL: fmt.Sprintf("https://%s:%d", network.HostName(0), network.ImageioPort),
		ProxyURL:    fmt.Sprintf("https://%s:%d", network.EngineName, network.ProxyPort),
		Users:       []engine.User{{Name: d.facts.Engine.User, Password: secret.New(d.facts.Engine.Password), Admin: true}},
		CA:          ca,
		Hosts:       hosts(),
		Domains:     []engine.StorageDomain{{Name: StorageDomain}, {Name: "second"}},
		Clock:       d.cfg.Clock,
		Log:         d.cfg.Log,
	}, d.machines, d.volumes)
	if err != nil {
		return nil, err
	}
	state, err := os.ReadFile(d.cfg.Site.File(site.EngineState))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err == nil {
		err = e.Restore(state)
	}
	if err != nil {
		return nil, fmt.Errorf("restore engine: %w", err)
	}
	return e, nil
}

func hosts() []engine.Host {
	var list []engine.Host
	for n := range network.Hosts {
		list = append(list, engine.Host{Name: fmt.Sprintf("host%d", n+1), Address: network.HostName(n)})
	}
	return list
}

// StorageDomain is where install-configs of this lab put their disks.
const StorageDomain = "data"

// Serve runs until ctx ends. Machines go on running; a new daemon takes them
// over.
func (d *Daemon) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if err := d.listen(ctx, group); err != nil {
		return err
	}
	if err := d.startBMCs(ctx); err != nil {
		return err
	}
	group.Go(func() error {
		<-ctx.Done()
		d.stopBMCs(context.WithoutCancel(ctx))
		return nil
	})
	group.Go(func() error { return d.dnsmasq(ctx) })
	group.Go(func() error { return d.keepState(ctx) })
	d.cfg.Log.Info("lab is up", "lab", d.cfg.Site.Name)
	err := group.Wait()
	return errors.Join(err, d.engine.Close(), d.saveState())
}

// keepState saves the engine's state again and again, so that it survives a kill.
func (d *Daemon) keepState(ctx context.Context) error {
	for d.cfg.Clock.Sleep(ctx, 2*time.Second) == nil {
		if err := d.saveState(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Daemon) saveState() error {
	now, err := d.engine.Snapshot()
	if err != nil || bytes.Equal(now, d.saved) {
		return err
	}
	d.saved = now
	return site.WriteSecret(d.cfg.Site.File(site.EngineState), now)
}
