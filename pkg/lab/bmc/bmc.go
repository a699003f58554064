// Package bmc is the management controller of a physical host of the lab: a Redfish
// service that behaves as those of one vendor do, with what is wrong with them.
package bmc

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc/fetch"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Power is what a host's power supply does.
type Power string

// The states of a host's power supply.
const (
	On  Power = "On"
	Off Power = "Off"
)

// Source is what a host can start from; the values are those of package host.
type Source string

// The sources.
const (
	Disk    Source = "disk"
	Media   Source = "media"
	Network Source = "pxe"
)

// Boot is where a host's firmware looks for a system.
type Boot struct {
	Order []Source // empty in a change: as it is
	Once  Source   // tried first at the next start only; empty: nothing
}

// Facts is a host's hardware, as its management controller reports it.
type Facts struct {
	Name, UUID              string
	Vendor, Product, Serial string
	MACs                    []string
	CPUs                    int
	MemoryMB                int64
	UEFI                    bool
}

// Medium is what is in a host's drive.
type Medium struct {
	Inserted bool
	URL      string // empty: not inserted by a management controller
}

// Host is the machine that a controller manages.
type Host interface {
	Facts() Facts
	Power() Power
	On(ctx context.Context) error
	ForceOff(ctx context.Context) error
	// GracefulShutdown presses the power button; the host may ignore it.
	GracefulShutdown(ctx context.Context) error
	ForceRestart(ctx context.Context) error
	Medium() Medium
	// Insert puts an image into the drive that was fetched from a URL. The file
	// becomes the host's.
	Insert(ctx context.Context, url, file string) error
	Eject(ctx context.Context) error
	Boot() Boot
	// SetBoot sets Once, and the order unless it is empty.
	SetBoot(ctx context.Context, b Boot) error
}

// Config is what a controller needs.
type Config struct {
	Profile  vendor.Profile
	Host     Host
	User     string
	Password secret.String
	Dir      string // for images that are being fetched
	// Dial is the controller's own connection to the network; nil is the process's.
	Dial fetch.Dial
	// Roots are the authorities that the controller trusts if it checks certificates.
	Roots *x509.CertPool
	Clock clock.Clock
	Log   *slog.Logger
}

// BMC is a management controller; it is an http.Handler.
type BMC struct {
	cfg    Config
	p      vendor.Profile
	static map[string]resource
	client func(verify bool) *http.Client

	life  context.Context // ends with the controller
	close context.CancelFunc
	work  sync.WaitGroup

	mu       sync.Mutex
	faults   faults
	sessions sessions
	tasks    tasks
	events   events
	power    power
	boot     override
	drive    drive
}

var _ http.Handler = (*BMC)(nil)

// New switches a controller on. Close switches it off.
func New(cfg Config) *BMC {
	b := &BMC{cfg: cfg, p: cfg.Profile}
	b.life, b.close = context.WithCancel(context.Background())
	b.drive.slot = cfg.Profile.MediaSlot()
	b.drive.verify = cfg.Profile.Media.Verify == vendor.VerifyOn || cfg.Profile.Media.Verify == vendor.VerifyAlways
	b.client = fetch.Clients(cfg.Dial, cfg.Roots)
	b.static = b.tree()
	return b
}

// Close ends what the controller does by itself. The host stays as it is.
func (b *BMC) Close() {
	b.close()
	b.work.Wait()
}

// Profile is what the controller behaves like.
func (b *BMC) Profile() vendor.Profile { return b.p }

func (b *BMC) now() time.Time { return b.cfg.Clock.Now() }

// later does something in the background after a while, unless the controller ends
// first.
func (b *BMC) later(after time.Duration, do func(ctx context.Context)) {
	at := b.cfg.Clock.After(after)
	b.work.Go(func() {
		select {
		case <-at:
			do(b.life)
		case <-b.life.Done():
		}
	})
}

// locked runs something with the controller's state held.
func (b *BMC) locked(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}
