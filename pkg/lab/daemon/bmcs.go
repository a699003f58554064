package daemon

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// bmcUser is the user of all management controllers.
const bmcUser = "admin"

// bmcs are the management controllers that are on.
type bmcs struct {
	mu      sync.Mutex
	life    context.Context // of the daemon's services; nil while they do not run
	running map[string]*runningBMC
}

type runningBMC struct {
	*bmc.BMC
	server *http.Server
	done   chan struct{}
}

// BMC is what the operator sees of a controller.
type BMC struct {
	host.BMC
	URL    string   `json:"url"`
	Faults []string `json:"faults,omitempty"`
	// Sessions are the logins that have not ended.
	Sessions int `json:"sessions"`
}

// newBMC chooses address and password of a new host's controller. The caller holds
// d.making.
func (d *Daemon) newBMC(profile vendor.Profile) (*host.BMC, error) {
	var taken []netip.Addr
	for _, h := range d.hosts() {
		if h.Spec.BMC != nil {
			taken = append(taken, h.Spec.BMC.Address)
		}
	}
	for _, a := range network.BMCs() {
		if !slices.Contains(taken, a) {
			return &host.BMC{Profile: profile.Name, Address: a, User: bmcUser, Password: rand.Text()}, nil
		}
	}
	return nil, fmt.Errorf("the lab has addresses for %d management controllers, and all are taken", len(taken))
}

// startBMCs switches on the controllers of all hosts, and from now on those of new ones.
func (d *Daemon) startBMCs(ctx context.Context) error {
	d.bmcs.mu.Lock()
	d.bmcs.life = ctx
	d.bmcs.mu.Unlock()
	var errs []error
	for _, h := range d.hosts() {
		errs = append(errs, d.startBMC(ctx, h.ID, h.Name, h.Spec.BMC))
	}
	return errors.Join(errs...)
}

// stopBMCs switches all controllers off.
func (d *Daemon) stopBMCs(ctx context.Context) {
	d.bmcs.mu.Lock()
	ids := slices.Collect(maps.Keys(d.bmcs.running))
	d.bmcs.mu.Unlock()
	for _, id := range ids {
		d.stopBMC(ctx, id, nil)
	}
}

// startBMC switches a host's controller on, if the host has one and the lab serves.
func (d *Daemon) startBMC(ctx context.Context, id, name string, spec *host.BMC) error {
	d.bmcs.mu.Lock()
	defer d.bmcs.mu.Unlock()
	if spec == nil || d.bmcs.life == nil || d.bmcs.life.Err() != nil || d.bmcs.running[id] != nil {
		return nil
	}
	b, secure, err := d.makeBMC(id, spec)
	if err != nil {
		return fmt.Errorf("start BMC of %s: %w", name, err)
	}
	l, err := d.listenBMC(ctx, spec.Address)
	if err != nil {
		b.Close()
		return fmt.Errorf("start BMC of %s: %w", name, err)
	}
	r := &runningBMC{BMC: b, done: make(chan struct{})}
	log := d.cfg.Log.With("bmc", name)
	r.server = &http.Server{
		Handler: b, ReadHeaderTimeout: 30 * time.Second, ReadTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if d.bmcs.running == nil {
		d.bmcs.running = map[string]*runningBMC{}
	}
	d.bmcs.running[id] = r
	go func() {
		defer close(r.done)
		if err := r.server.Serve(tls.NewListener(l, secure)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the controller does not answer any more", "error", err)
		}
	}()
	return nil
}

// stopBMC switches a host's controller off and, if it is not nil, gives its address back.
func (d *Daemon) stopBMC(ctx context.Context, id string, spec *host.BMC) {
	d.bmcs.mu.Lock()
	r := d.bmcs.running[id]
	delete(d.bmcs.running, id)
	d.bmcs.mu.Unlock()
	if r == nil {
		return
	}
	if err := r.server.Close(); err != nil {
		d.cfg.Log.Warn("a BMC is not closed", "host", id, "error", err)
	}
	<-r.done
	r.Close()
	if spec != nil && d.listenAt == nil {
		if err := network.DropAddress(ctx, spec.Address); err != nil {
			d.cfg.Log.Warn("a BMC's address is still there", "host", id, "error", err)
		}
	}
}

// makeBMC makes the controller of a host, with the configuration of its server.
func (d *Daemon) makeBMC(id string, spec *host.BMC) (*bmc.BMC, *tls.Config, error) {
	profile, err := vendor.Load(spec.Profile)
	if err != nil {
		return nil, nil, err
	}
	cert, err := os.ReadFile(d.cfg.Site.File(site.CAFile))
	if err != nil {
		return nil, nil, fmt.Errorf("read CA: %w", err)
	}
	key, err := os.ReadFile(d.cfg.Site.File(CAKeyFile))
	if err != nil {
		return nil, nil, fmt.Errorf("read CA: %w", err)
	}
	good, err := certs.ServerConfig(pki.Pair{Cert: cert, Key: key}, d.cfg.Clock.Now(),
		[]string{spec.Address.String()}, []netip.Addr{spec.Address})
	if err != nil {
		return nil, nil, err
	}
	dir := d.cfg.Site.File("media")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	b := bmc.New(bmc.Config{
		Profile: profile, Host: bmcHost{d, id}, User: spec.User, Password: secret.New(spec.Password), Dir: dir,
		Dial: d.dialFrom(spec.Address), Roots: roots, Clock: d.cfg.Clock, Log: d.cfg.Log.With("bmc", id),
	})
	secure, err := b.TLS(good)
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return b, secure, nil
}

// listenBMC opens the socket of a controller at an address of its own.
func (d *Daemon) listenBMC(ctx context.Context, a netip.Addr) (net.Listener, error) {
	if d.listenAt != nil {
		return d.listenAt(a)
	}
	if err := network.AddAddress(ctx, a); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", netip.AddrPortFrom(a, network.BMCPort).String())
}

// dialFrom connects as a controller does: from its own address, with the lab's DNS.
func (d *Daemon) dialFrom(a netip.Addr) func(context.Context, string, string) (net.Conn, error) {
	if d.listenAt != nil {
		return nil
	}
	dialer := net.Dialer{
		Timeout: 10 * time.Second, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)),
		Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, kind, _ string) (net.Conn, error) {
			var dns net.Dialer
			return dns.DialContext(ctx, kind, netip.AddrPortFrom(network.Gateway, 53).String())
		}},
	}
	return dialer.DialContext
}

// bmc is what the operator sees of a host's controller.
func (d *Daemon) bmc(id string, spec *host.BMC) *BMC {
	if spec == nil {
		return nil
	}
	d.bmcs.mu.Lock()
	r := d.bmcs.running[id]
	d.bmcs.mu.Unlock()
	b := &BMC{BMC: *spec, URL: "https://" + spec.Address.String()}
	if r != nil {
		b.Faults, b.Sessions = r.Faults(), r.Sessions()
	}
	return b
}

// breakBMC gives a host's controller a fault.
func (d *Daemon) breakBMC(ctx context.Context, id, fault string) error {
	d.bmcs.mu.Lock()
	r := d.bmcs.running[id]
	d.bmcs.mu.Unlock()
	switch {
	case r == nil && fault == "none":
		return nil
	case r == nil:
		return errors.New("the host has no BMC; make it with okd-lab hosts create --bmc PROFILE")
	case fault == "none":
		r.Mend()
		return nil
	}
	return r.Break(ctx, fault)
}

// isBMCFault reports whether a fault is one of controllers.
func isBMCFault(text string) bool { return strings.HasPrefix(text, bmc.FaultPrefix) }

// bmcHost is a host as its controller works it.
type bmcHost struct {
	d  *Daemon
	id string
}

var _ bmc.Host = bmcHost{}

// Facts implements bmc.Host.
func (h bmcHost) Facts() bmc.Facts {
	hw, ok := h.d.machines.Hardware(h.id)
	if !ok || hw.Host == nil {
		return bmc.Facts{}
	}
	f := bmc.Facts{
		Name: hw.Name, UUID: hw.Host.UUID, Vendor: hw.Host.Vendor, Product: hw.Host.Product, Serial: hw.Host.Serial,
		CPUs: hw.CPUs, MemoryMB: hw.MemoryMB, UEFI: hw.Host.UEFI,
	}
	for _, n := range hw.NICs {
		f.MACs = append(f.MACs, n.MAC)
	}
	return f
}

// Power implements bmc.Host.
func (h bmcHost) Power() bmc.Power {
	if h.d.machines.State(h.id) == engine.StateDown {
		return bmc.Off
	}
	return bmc.On
}

// On implements bmc.Host.
func (h bmcHost) On(ctx context.Context) error { return h.d.pressAlone(ctx, h.id, "start") }

// ForceOff implements bmc.Host.
func (h bmcHost) ForceOff(ctx context.Context) error { return h.d.machines.PowerOff(ctx, h.id) }

// GracefulShutdown implements bmc.Host.
func (h bmcHost) GracefulShutdown(ctx context.Context) error { return h.d.machines.Shutdown(ctx, h.id) }

// ForceRestart implements bmc.Host.
func (h bmcHost) ForceRestart(ctx context.Context) error { return h.d.machines.Reset(ctx, h.id) }

// Medium implements bmc.Host.
func (h bmcHost) Medium() bmc.Medium {
	hw, _ := h.d.machines.Hardware(h.id)
	if hw.Media == nil {
		return bmc.Medium{}
	}
	return bmc.Medium{Inserted: true, URL: hw.Media.URL}
}

// Insert implements bmc.Host. Whether a system can be started from the image is seen
// when the host starts, as with real firmware.
func (h bmcHost) Insert(_ context.Context, url, file string) error {
	return h.d.changeMedia(h.id, 1, &engine.Media{ISO: file, URL: url})
}

// Eject implements bmc.Host.
func (h bmcHost) Eject(context.Context) error { return h.d.changeMedia(h.id, 1, nil) }

// Boot implements bmc.Host.
func (h bmcHost) Boot() bmc.Boot {
	hw, ok := h.d.machines.Hardware(h.id)
	if !ok || hw.Host == nil {
		return bmc.Boot{}
	}
	b := bmc.Boot{Once: bmc.Source(hw.Host.Once)}
	for _, s := range hw.Host.Order {
		b.Order = append(b.Order, bmc.Source(s))
	}
	return b
}

// SetBoot implements bmc.Host.
func (h bmcHost) SetBoot(_ context.Context, b bmc.Boot) error {
	return h.d.machines.Change(h.id, func(hw *engine.Hardware) error {
		hw.Host.Once = host.Source(b.Once)
		if len(b.Order) > 0 {
			hw.Host.Order = nil
			for _, s := range b.Order {
				hw.Host.Order = append(hw.Host.Order, host.Source(s))
			}
		}
		return hw.Host.Complete(hw.Name)
	})
}
