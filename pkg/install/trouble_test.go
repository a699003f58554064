package install

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/phase"
	metalconfig "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/platforms/external"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

func findings(n int) error {
	r := report.New("install-config.yaml")
	for range n {
		r.Field(report.NewPath("baseDomain")).Required("give one")
	}
	return r.Err()
}

func TestClassify(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		err  error
		code int
		says string
		next string
	}{
		{"one finding", findings(1), 3, "failed to create install config: 1 finding:\ninstall-config.yaml: baseDomain: Required value", "explain installconfig"},
		{"several findings", findings(2), 3, "failed to create install config: 2 findings:\n", "explain installconfig"},
		{"no install-config", &asset.MissingError{Path: "install-config.yaml"}, 1, "failed to fetch Install Config: ", "some/dir/install-config.yaml"},
		{"another run", &asset.LockedError{Dir: "some/dir", Holder: asset.Holder{PID: 7}}, 1, "process 7", "status --dir some/dir"},
		{"no release", assets.ErrNoReleaseImage, 1, "no release image", "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE"},
		{"anything else", broken, 1, "broken", ""},
	}
	a := &App{Dir: "some/dir"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := a.classify(tt.err)
			if ExitCode(got) != tt.code || !errors.Is(got, tt.err) || !strings.Contains(got.Error(), tt.says) {
				t.Errorf("code %d, error %v", ExitCode(got), got)
			}
			if next := NextStep(got); !strings.Contains(next, tt.next) || (next == "") != (tt.next == "") {
				t.Errorf("next step %q, want %q", next, tt.next)
			}
		})
	}
}

func TestUnconnected(t *testing.T) {
	const url = "https://engine/ovirt-engine/api"
	got := unconnected(url, &ovirt.Error{Op: "log in to the engine", Kind: ovirt.BadLogin, Detail: "incorrect..", Next: "check the password"})
	if got.Error() != "engine "+url+": log in to the engine: login refused: incorrect" || NextStep(got) != "check the password" {
		t.Errorf("%v; next %q", got, NextStep(got))
	}
	if !ovirt.Is(got, ovirt.BadLogin) {
		t.Error("the kind of the error is lost")
	}
	if got := unconnected(url, errors.New("broken")); NextStep(got) == "" || !strings.Contains(got.Error(), url) {
		t.Errorf("%v; next %q", got, NextStep(got))
	}
}

func TestConnectKnowsItsPlatforms(t *testing.T) {
	a := &App{Getenv: func(string) string { return "" }, Sink: event.Discard}
	for _, name := range []string{"none", "external", "baremetal"} {
		p, err := a.connect(t.Context(), name)
		if err != nil || !p.byHand || p.stream != "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for name, want := range map[string]string{"": "not known", "aws": "platform aws is none", "ovirt": "ovirt-config.yaml"} {
		if _, err := a.connect(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRefusal(t *testing.T) {
	none := types.Platform{Settings: &none.Platform{}}
	tests := []struct {
		name string
		cfg  types.InstallConfig
		want string // empty: not refused
		next string
	}{
		{"ovirt", types.InstallConfig{Platform: types.Platform{Settings: &ovirtconfig.Platform{}}}, "", ""},
		{"none", types.InstallConfig{Platform: none}, "platform none", "openshift-install create ignition-configs --dir d"},
		{"external", types.InstallConfig{Platform: types.Platform{Settings: &external.Platform{}}}, "platform external", "create ignition-configs"},
		{"baremetal", types.InstallConfig{Platform: types.Platform{Settings: &metalconfig.Platform{}}}, "later version of this installer; nothing was created", "create ignition-configs"},
		{"in place", types.InstallConfig{Platform: none, BootstrapInPlace: &types.BootstrapInPlace{}}, "bootstrapInPlace", "create single-node-ignition-config"},
	}
	a := &App{Dir: "d", Program: "openshift-install"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := a.refusal(&tt.cfg)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || ExitCode(err) != ExitOther || !strings.Contains(err.Error(), tt.want) || !strings.Contains(NextStep(err), tt.next) {
				t.Errorf("%v; next %q", err, NextStep(err))
			}
		})
	}
}

func TestPlatformOf(t *testing.T) {
	for name, tt := range map[string]struct {
		meta assets.Metadata
		want string
	}{
		"ovirt":          {assets.Metadata{ClusterName: "demo", ClusterID: "1", InfraID: "demo-1", Platform: "ovirt"}, "ovirt"},
		"an id alone":    {assets.Metadata{InfraID: "demo-1"}, "ovirt"},
		"baremetal":      {assets.Metadata{ClusterName: "demo", ClusterID: "1", InfraID: "demo-1", Platform: "baremetal"}, "baremetal"},
		"none, external": {assets.Metadata{ClusterName: "demo", ClusterID: "1", InfraID: "demo-1"}, "none"},
	} {
		if got := platformOf(tt.meta); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestJournalSaysHowARunEnded(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"well", nil, ""},
		{"badly", errors.New("login with s3cret refused"), "login with (hidden) refused"},
		{"interrupted", &phase.Failed{Phase: "images", Err: errors.Join(ErrInterrupted, errors.New("upload"))}, "interrupted: phase images: interrupted\nupload"},
		{"interrupted at once", ErrInterrupted, "interrupted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &App{Dir: t.TempDir(), Clock: clock.NewFake(t0), Command: "create cluster --dir d"}
			a.Hide(secret.New("s3cret"))
			if err := a.journaled(func(*phase.Journal) error { return tt.err }); !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			runs, err := phase.ReadJournal(a.Dir)
			if err != nil || len(runs) != 1 {
				t.Fatal(runs, err)
			}
			if r := runs[0]; r.Error != tt.want || r.Command != a.Command || r.Ended.IsZero() || r.PID == 0 {
				t.Errorf("run %+v, want error %q", r, tt.want)
			}
		})
	}
}

func TestCleanHidesEverySecret(t *testing.T) {
	a := &App{}
	if got := a.Clean("plain"); got != "plain" {
		t.Errorf("%q", got)
	}
	a.Hide(secret.New("first-secret"))
	a.Hide(secret.New("second-secret"), secret.New(""))
	if got := a.Clean("first-secret and second-secret"); strings.Contains(got, "-secret") {
		t.Errorf("%q", got)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	if Interrupted(ctx) {
		t.Error("not yet")
	}
	cancel(ErrInterrupted)
	child, end := context.WithCancel(ctx)
	defer end()
	if !Interrupted(child) {
		t.Error("a child does not know")
	}
	other, stop := context.WithCancel(t.Context())
	stop()
	if Interrupted(other) {
		t.Error("any end counts as an interruption")
	}
}

func TestAddressesOf(t *testing.T) {
	found := []machines.Machine{
		{Role: "master", Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.101"), netip.MustParseAddr("fd00::1")}},
		{Role: "worker", Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.102")}},
		{Role: "bootstrap"},
	}
	if got := strings.Join(addressesOf(found, "master"), " "); got != "198.18.0.101 fd00::1" {
		t.Errorf("masters %q", got)
	}
	if got := addressesOf(found, "bootstrap"); len(got) != 0 {
		t.Errorf("bootstrap %v", got)
	}
}

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		got, total int64
		want       string
	}{
		{0, 100 << 20, "0 % of 100 MiB"},
		{50 << 20, 100 << 20, "50 % of 100 MiB"},
		{100 << 20, -1, "64 MiB"},
	} {
		if got := share(tt.got, tt.total); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestReleaseOverride(t *testing.T) {
	if got := ReleaseOverride(func(string) string { return " quay.io/okd@sha256:1\n" }); got != "quay.io/okd@sha256:1" {
		t.Errorf("%q", got)
	}
}
