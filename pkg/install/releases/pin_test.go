package releases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// releaseSite is a directory with an install-config, and an update service that it
// trusts.
type releaseSite struct {
	dir     string
	said    []string
	asked   atomic.Int32
	env     map[string]string
	version string // that the service has, besides 4.22.0-okd-scos.10
}

const someDigest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// digestOf gives each version an image of its own.
func digestOf(version string) string {
	return someDigest[:len(someDigest)-1] + version[len(version)-1:]
}

func newReleaseSite(t *testing.T) *releaseSite {
	t.Helper()
	s := &releaseSite{dir: t.TempDir(), version: "5.0.0-okd-scos.1"}
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if r.URL.Query().Get("channel") == "stable-5.0" {
			fmt.Fprintf(w, `{"nodes":[{"version":%q,"payload":"quay.test/okd/new%s"},
				{"version":"4.22.0-okd-scos.10","payload":"quay.test/okd/old%s"}]}`,
				s.version, digestOf(s.version), strings.Replace(someDigest, "0123", "3210", 1))
			return
		}
		fmt.Fprint(w, `{"nodes":[]}`)
	}))
	t.Cleanup(service.Close)
	bundle := pkitest.ServerCA(service)
	config := `apiVersion: v1
baseDomain: okd.test
metadata: {name: demo}
platform: {none: {}}
pullSecret: '{"auths":{"quay.test":{"auth":"dTpw"}}}'
additionalTrustBundlePolicy: Always
additionalTrustBundle: |
  ` + strings.ReplaceAll(strings.TrimSpace(string(bundle)), "\n", "\n  ") + "\n"
	if err := os.WriteFile(filepath.Join(s.dir, "install-config.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = map[string]string{envUpdateService: service.URL, envRepository: "127.0.0.1:1/okd/release"}
	return s
}

// pin settles the release as a command with --release would, and returns it.
func (s *releaseSite) pin(
	t *testing.T, want string, ask wizard.Asker, use func(*assets.Installer),
) (assets.Pin, error) {
	t.Helper()
	s.said = nil
	e := &install.Env{
		Platforms: platforms.All(),
		Dir:       s.dir, Clock: clock.Real(), Asker: ask, Command: "create cluster",
		Getenv: func(key string) string { return s.env[key] },
		Sink:   event.SinkFunc(func(e event.Event) { s.said = append(s.said, e.Message) }),
	}
	inst, err := e.Open(install.Opening{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inst.Close() }()
	if err := Pin(t.Context(), e, Options{Want: want}, inst, true); err != nil {
		return assets.Pin{}, err
	}
	pin, err := inst.Pin()
	if err != nil {
		t.Fatal(err)
	}
	if use != nil {
		use(inst)
	}
	return pin, nil
}

func (s *releaseSite) saying(text string) bool {
	return strings.Contains(strings.Join(s.said, "\n"), text)
}

func TestReleaseIsPinned(t *testing.T) {
	s := newReleaseSite(t)
	pin, err := s.pin(t, "5.0", nil, nil)
	if err != nil || pin.PullSpec != "quay.test/okd/new"+digestOf("1") || pin.Version != "5.0.0-okd-scos.1" ||
		pin.Asked != "5.0" || pin.Chosen.IsZero() ||
		!strings.Contains(pin.From, "channel stable-5.0") || !s.saying("signature was not checked") {
		t.Fatalf("%+v, %v, %q", pin, err, s.said)
	}
	s.asked.Store(0)
	s.version = "5.0.0-okd-scos.2" // newer ones come out all the time
	for _, want := range []string{"", "5.0", "5.0.0", "5.0.0-okd-scos.1", pin.PullSpec} {
		if again, err := s.pin(t, want, nil, nil); err != nil || again != pin || s.asked.Load() != 0 ||
			len(s.said) != 0 {
			t.Errorf("again with %q: %+v, %v, %q", want, again, err, s.said)
		}
	}
	next, err := s.pin(t, "latest", nil, func(inst *assets.Installer) {
		if err := inst.MarkStarted(); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil || next.Version != "5.0.0-okd-scos.2" || !s.saying("nothing was started from 5.0.0-okd-scos.1") {
		t.Fatalf("another before the start: %+v, %v, %q", next, err, s.said)
	}
	// Machines have it now.
	_, err = s.pin(t, "4.22", nil, nil)
	if exit.Code(err) != exit.Other ||
		!strings.Contains(err.Error(), "machines were started from release 5.0.0-okd-scos.2") ||
		!strings.Contains(exit.Next(err), "leave --release out") {
		t.Errorf("another after the start: %v", err)
	}
	s.env[install.EnvReleaseImage] = "quay.test/okd/other" + someDigest
	if kept, err := s.pin(t, "4.22", nil, nil); err != nil || kept != next || !s.saying("is set and wins") ||
		!s.saying("has no effect") {
		t.Errorf("another in the environment after the start: %+v, %v, %q", kept, err, s.said)
	}
}

func TestEnvironmentWins(t *testing.T) {
	s := newReleaseSite(t)
	s.env[install.EnvReleaseImage] = "quay.test/okd/other" + someDigest
	pin, err := s.pin(t, "5.0", nil, nil)
	if err != nil || pin.PullSpec != s.env[install.EnvReleaseImage] || pin.From != install.EnvReleaseImage ||
		s.asked.Load() != 0 || !s.saying("--release 5.0 is ignored") {
		t.Errorf("%+v, %v, %q", pin, err, s.said)
	}
}

// person answers the only question.
type person struct {
	wizard.Asker
	preset, answer string
}

func (p *person) Input(_ context.Context, _ wizard.Question, preset string, check func(string) error) (string, error) {
	p.preset = preset
	if p.answer == "" {
		return "", wizard.ErrInterrupted
	}
	return p.answer, check(p.answer)
}

func TestReleaseIsProposed(t *testing.T) {
	s := newReleaseSite(t)
	_, err := s.pin(t, "", nil, nil)
	if exit.Code(err) != exit.Other || !strings.Contains(err.Error(), "the newest stable one is 5.0.0-okd-scos.1") ||
		exit.Next(err) != "okd-install create cluster --release 5.0.0-okd-scos.1" {
		t.Errorf("without a terminal: %v", err)
	}
	if _, err := s.pin(t, "", &person{}, nil); !errors.Is(err, exit.ErrInterrupted) {
		t.Errorf("an interrupted question: %v", err)
	}
	other := &person{answer: "4.22"}
	pin, err := s.pin(t, "", other, nil)
	if err != nil || other.preset != "5.0.0-okd-scos.1" || pin.Version != "4.22.0-okd-scos.10" || pin.Asked != "4.22" {
		t.Errorf("another answer: %q, %+v, %v", other.preset, pin, err)
	}
	// What was answered once is not asked again.
	if again, err := s.pin(t, "", nil, nil); err != nil || again != pin {
		t.Errorf("again: %+v, %v", again, err)
	}
	s = newReleaseSite(t)
	s.env[envUpdateService] = "https://127.0.0.1:1/graph"
	_, err = s.pin(t, "", nil, nil)
	if exit.Code(err) != exit.Other || !strings.Contains(err.Error(), "which is the newest could not be found out") ||
		!strings.Contains(exit.Next(err), "by digest") {
		t.Errorf("no source: %v", err)
	}
}
