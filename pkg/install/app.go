// Package install puts the parts together: it turns a command of the user into
// assets, a plan, machines, waits, and a cluster. The platform is picked here,
// in one place (platform.go).
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/version"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Environment variables of the reference.
const (
	envReleaseImage      = "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE"
	envOSImage           = "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE"
	envInvoker           = "OPENSHIFT_INSTALL_INVOKER"
	envPreserveBootstrap = "OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP"
	envGatherBootstrap   = "OPENSHIFT_INSTALL_GATHER_BOOTSTRAP"
	envBootstrapIP       = "OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP"
	envClusterProfile    = "OPENSHIFT_INSTALL_EXPERIMENTAL_CLUSTER_PROFILE"
	envLoadCerts         = "OPENSHIFT_INSTALL_LOAD_CLUSTER_CERTS"
	envSkipHostCrypt     = "OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION"
)

// pollEvery is how often the waits look at the world.
const pollEvery = time.Second

// App is one run of the installer in one directory.
type App struct {
	Dir     string
	Clock   clock.Clock
	Sink    event.Sink // people and the log file see what goes here
	Stdout  io.Writer  // data only
	Getenv  func(string) string
	Program string // as the user calls it; default okd-install
	Command string // as typed, for the journal
	Options Options
	// StateKeyFile is the file with the key of the state that the user named.
	StateKeyFile string
	// Asker puts questions to the person at the terminal, nil without one.
	Asker wizard.Asker

	entered []byte // the file with the login of the engine, if it was asked for in this run
	secrets redactions
	doing   undertaking
	left    []string // what an interrupted run left on the platform
}

// undertaking is what a run changes in the world, for what is said when it is
// interrupted.
type undertaking int

const (
	looking undertaking = iota // changes nothing outside of the directory
	creating
	destroying
)

// Options are the flags that change how a command runs.
type Options struct {
	Skip              []string      // phases to leave out
	Timeout           time.Duration // replaces every phase's budget
	Edited            asset.Policy  // what to do about edited files whose inputs changed
	SkipPasswordPrint bool
	AllowUnknown      bool // unknown keys of install-config.yaml are warnings
	// ApproveCSRs lets nodes of any name join from the machine networks, where
	// the installer has not made the machines and cannot know them.
	ApproveCSRs bool
	// DeleteForeignDisks makes destroy delete disks, too, that somebody else put
	// into the cluster's machines.
	DeleteForeignDisks bool
	// HandedOver is what the user knows of whether the masters have taken over,
	// for where nothing proves it.
	HandedOver handoff.Answer
	Release    ReleaseOptions
}

// redactions collects the secrets of a run as they become known, so that no
// log line, error or event shows one.
type redactions struct {
	mu   sync.Mutex
	list []secret.String
	r    *secret.Redactor
}

// Hide keeps the given secrets out of everything that is logged from now on.
func (a *App) Hide(values ...secret.String) {
	a.secrets.mu.Lock()
	defer a.secrets.mu.Unlock()
	a.secrets.list = append(a.secrets.list, values...)
	a.secrets.r = secret.NewRedactor(a.secrets.list...)
}

// Clean replaces every secret of this run in text.
func (a *App) Clean(text string) string {
	a.secrets.mu.Lock()
	defer a.secrets.mu.Unlock()
	if a.secrets.r == nil {
		return text
	}
	return a.secrets.r.Clean(text)
}

// self is how the user calls this program, which may be by another name.
func (a *App) self() string {
	if a == nil || a.Program == "" {
		return "okd-install"
	}
	return a.Program
}

// command is a command that can be pasted, for the directory of this run.
func (a *App) command(words string) string {
	if a == nil || a.Dir == "" || a.Dir == "." {
		return a.self() + " " + words
	}
	return a.self() + " " + words + " --dir " + a.Dir
}

func (a *App) path(name string) string { return filepath.Join(a.Dir, name) }

// journaled runs work with a journal of its own run, and closes the journal
// with the way it ended.
func (a *App) journaled(work func(j *phase.Journal) error) error {
	j := phase.OpenJournal(a.Dir, phase.Keeping{Now: a.Clock.Now, Sink: a.Sink, Clean: a.Clean})
	j.Begin(phase.Run{Command: a.Command, Version: version.String(), PID: os.Getpid(), Started: a.Clock.Now()})
	err := work(j)
	shown := err
	if errors.Is(err, ErrInterrupted) && !strings.HasPrefix(err.Error(), ErrInterrupted.Error()) {
		shown = fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	j.End(a.Clock.Now(), shown)
	return err
}

// open takes hold of the directory and its assets.
func (a *App) open() (*assets.Installer, error) {
	key, err := a.stateKey()
	if err != nil {
		return nil, err
	}
	var nodeIP netip.Addr
	if text := a.Getenv(envBootstrapIP); text != "" {
		if nodeIP, err = netip.ParseAddr(text); err != nil {
			return nil, fmt.Errorf("%s is %q, which is not an IP address", envBootstrapIP, text)
		}
	}
	inst, err := assets.Open(a.Dir, assets.Deps{
		Platforms:      platforms.Assets(),
		Clock:          a.Clock,
		Events:         a.Sink,
		ReleaseImage:   ReleaseOverride(a.Getenv),
		Version:        version.String(),
		Invoker:        a.Getenv(envInvoker),
		Profile:        a.Getenv(envClusterProfile),
		NodeIP:         nodeIP,
		LoadCerts:      a.Getenv(envLoadCerts) == "true",
		KeepOSTemplate: a.osTemplate() != "",
		AllowUnknown:   a.Options.AllowUnknown,
		HostFIPS:       hostFIPS(fipsFile),
		SkipHostCrypt:  a.Getenv(envSkipHostCrypt) != "",
		Lookup:         lookUp,
		Edited:         a.Options.Edited,
		Command:        a.Command,
		StateKey:       key,
	})
	if err != nil {
		return nil, a.classify(err)
	}
	return inst, nil
}

// CreateManifests writes manifests/ and openshift/.
func (a *App) CreateManifests(ctx context.Context) error {
	return a.create(ctx, false, "Manifests", (*assets.Installer).Manifests, "manifests", "openshift")
}

// CreateIgnitionConfigs writes the .ign files, auth/ and metadata.json.
func (a *App) CreateIgnitionConfigs(ctx context.Context) error {
	return a.create(ctx, true, "Ignition-Configs", (*assets.Installer).IgnitionConfigs, ".", "auth")
}

// CreateSingleNodeIgnition writes the Ignition config of a node that installs
// itself, worker.ign, auth/ and metadata.json.
func (a *App) CreateSingleNodeIgnition(ctx context.Context) error {
	return a.create(ctx, true, "Single-Node-Ignition-Config", (*assets.Installer).SingleNode, ".", "auth")
}

// create generates something, for which a release may be needed or not.
func (a *App) create(ctx context.Context, needsRelease bool, what string, target func(*assets.Installer, context.Context) error, dirs ...string) error {
	inst, err := a.openOrAsk(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if err := a.pinRelease(ctx, inst, needsRelease); err != nil {
		return err
	}
	if err := target(inst, ctx); err != nil {
		return a.classify(err)
	}
	text := what + " created in: "
	for i, d := range dirs {
		if i > 0 {
			text += " and "
		}
		text += a.path(d)
	}
	event.Info(a.Sink, text)
	return nil
}

// readFile reads a file of the directory; a missing one is reported with what
// makes it.
func (a *App) readFile(name, next string) ([]byte, error) {
	data, err := os.ReadFile(a.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Failure{Code: ExitOther, Next: next, Err: fmt.Errorf("there is no %s in %s", name, a.Dir)}
	}
	return data, err
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// CreateInstallConfig checks the install-config that is there. Where there is
// none it asks for one, which needs a terminal.
func (a *App) CreateInstallConfig(ctx context.Context) error {
	inst, err := a.openOrAsk(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if err := a.pinRelease(ctx, inst, false); err != nil {
		return err
	}
	if _, err = inst.Config(ctx); err != nil {
		return a.classify(err)
	}
	event.Info(a.Sink, "Install-Config created in: "+a.Dir)
	return nil
}
