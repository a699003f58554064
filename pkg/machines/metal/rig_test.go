package metal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
)

const infraID = "demo-x7k2p"

// rig is hosts with BMCs of the lab, which are reached over HTTPS, and a rack of them.
type rig struct {
	t    *testing.T
	bmcs []*bmctest.Server
	opts Options

	mu   sync.Mutex
	said []event.Event
	// tap is told of each request to the BMCs; false drops it.
	tap func(host int, r *http.Request) bool
	// quotes makes the BMCs refuse changes with what they were sent.
	quotes bool
	log    logged
}

// logged is everything that is logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// face gives a host in memory a UUID and network cards of its own.
type face struct {
	*bmctest.Host
	facts bmc.Facts
}

func (f *face) Facts() bmc.Facts { return f.facts }

func uuid(i int) string { return fmt.Sprintf("4c4c4544-0047-3310-8038-b4c04f4a%04x", i) }
func mac(i int) string  { return fmt.Sprintf("52:54:00:00:%02x:%02x", i>>8, i&255) }

// brisk is a clock on which time passes quickly.
type brisk struct {
	clock.Clock
	begun time.Time
	speed time.Duration
}

// Speeds. On a busy machine none of the limits that hosts need is missed at the first; the second is for what fails.
const (
	briskly   = 40
	furiously = 400
)

func (b brisk) Now() time.Time                         { return b.begun.Add(b.Clock.Now().Sub(b.begun) * b.speed) }
func (b brisk) After(d time.Duration) <-chan time.Time { return b.Clock.After(d / b.speed) }
func (b brisk) Sleep(ctx context.Context, d time.Duration) error {
	return b.Clock.Sleep(ctx, d/b.speed)
}

// newRig is a rig with a host of each profile.
func newRig(t *testing.T, profiles ...string) *rig {
	t.Helper()
	return newRigAt(t, briskly, profiles...)
}

func newRigAt(t *testing.T, speed time.Duration, profiles ...string) *rig {
	t.Helper()
	return newRigOf(t, speed, nil, profiles...)
}

// newRigOf is one whose BMCs are changed.
func newRigOf(t *testing.T, speed time.Duration, change func(*bmc.Config), profiles ...string) *rig {
	t.Helper()
	image := filepath.Join(t.TempDir(), "agent.iso")
	if err := os.WriteFile(image, bmctest.ISO("agent"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t}
	r.opts = Options{Clock: brisk{clock.Real(), time.Now(), speed},
		Log:   slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Media: machines.Media{Address: "127.0.0.1"}}
	for i, profile := range profiles {
		s := bmctest.Serve(t, profile, func(c *bmc.Config) {
			c.Clock, c.Profile.Sessions.Idle = r.opts.Clock, 24*time.Hour
			h := c.Host.(*bmctest.Host)
			facts := h.Facts()
			facts.UUID, facts.MACs = uuid(i), []string{mac(i)}
			c.Host = &face{h, facts}
			if change != nil {
				change(c)
			}
		})
		tapped := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.mu.Lock()
			tap, quotes := r.tap, r.quotes
			r.mu.Unlock()
			if tap != nil && !tap(i, req) {
				panic(http.ErrAbortHandler)
			}
			if quotes && req.Method != http.MethodGet {
				quote(w, req)
				return
			}
			s.ServeHTTP(w, req)
		}))
		tapped.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
		tapped.StartTLS()
		t.Cleanup(tapped.Close)
		r.bmcs = append(r.bmcs, s)
		r.opts.CA = append(r.opts.CA, s.CA...)
		r.opts.CA = append(r.opts.CA,
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tapped.Certificate().Raw})...)
		r.opts.Hosts = append(r.opts.Hosts, Host{Host: config.Host{
			Name: fmt.Sprintf("host-%d", i), Role: "master", BootMACAddress: mac(i), BootMode: config.BootModeUEFI,
			BMC: config.BMC{Address: address(tapped.URL), Username: bmctest.User, Password: secret.New(bmctest.Password)},
		}})
	}
	return r
}

// quote refuses a request with all that it has.
func quote(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(req.Body, 1<<16))
	user, password, _ := req.BasicAuth()
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": "Base.1.8.GeneralError", "message": fmt.Sprintf("%s %s %v", user, password, string(body)),
	}})
}

// secretless fails if the password of the BMCs is in what was logged or said, or in errors.
func (r *rig) secretless(errs ...error) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	text := r.log.text.String()
	for _, e := range r.said {
		text += fmt.Sprintf("%s %+v\n", event.Sentence(e), e)
	}
	for _, err := range errs {
		text += fmt.Sprintf("%v %+v %s\n", err, err, exit.Next(err))
	}
	basic := base64.StdEncoding.EncodeToString([]byte(bmctest.User + ":" + bmctest.Password))
	for line := range strings.Lines(text) {
		if strings.Contains(line, bmctest.Password) || strings.Contains(line, basic) {
			r.t.Errorf("a password: %s", line)
		}
	}
}

func address(url string) string { return "redfish-virtualmedia+" + url }

// provider is that of a new rack, as a new run has it.
func (r *rig) provider() *Provider {
	image := filepath.Join(r.t.TempDir(), "agent.iso")
	if err := os.WriteFile(image, bmctest.ISO("agent"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	p := New(r.opts).Provider(event.SinkFunc(func(e event.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.said = append(r.said, e)
	}), func(_ context.Context, i plan.Image) (plan.Image, error) {
		i.Path = image
		return i, nil
	})
	r.t.Cleanup(func() { _ = p.Close(context.Background()) }) // the BMCs may be gone
	return p
}

func (r *rig) plan() plan.Plan {
	medium := plan.KeyOf(plan.KindMedium, infraID+".iso")
	p := plan.Plan{InfraID: infraID, Platform: config.Name, Objects: []plan.Object{{
		Key: medium, Kind: plan.KindMedium, Name: infraID + ".iso", Stage: plan.StageImage, Spec: plan.Medium{},
	}}}
	for _, h := range r.opts.Hosts {
		p.Objects = append(p.Objects, plan.Object{Key: plan.KeyOf(plan.KindHost, h.Name), Kind: plan.KindHost, Name: h.Name,
			Stage: plan.StageInfrastructure, Needs: []plan.Key{medium}, Spec: plan.Server{}})
	}
	return p
}

func (r *rig) watch(tap func(host int, req *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tap = tap
}

// warned reports whether something was said that has all the words.
func (r *rig) warned(words ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.said, func(e event.Event) bool {
		text := event.Sentence(e)
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	})
}

func (r *rig) breaks(host int, fault string) {
	r.t.Helper()
	if err := r.bmcs[host].Break(r.t.Context(), fault); err != nil {
		r.t.Fatal(err)
	}
}

// is fails unless a host is in a state: its power, what is in it, and what it was started from last.
func (r *rig) is(host int, power bmc.Power, medium bool, started string) {
	r.t.Helper()
	h := r.bmcs[host].Host
	from := h.Started()
	last := ""
	if len(from) > 0 {
		last = from[len(from)-1]
	}
	if h.Power() != power || h.Medium().Inserted != medium || last != started {
		r.t.Errorf("host %d is %s, medium %v (%s), started from %q; want %s, %v, %q", host, h.Power(), h.Medium().Inserted,
			h.Medium().URL, from, power, medium, started)
	}
}

// overridden reports whether the next start of a host is not as usual.
func (r *rig) overridden(host int) bool { return r.bmcs[host].Host.Boot().Once != "" }

// sessions are how many there are in the BMC of a host.
func (r *rig) sessions(host int) int {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, "/redfish/v1/SessionService/Sessions", nil)
	req.SetBasicAuth(bmctest.User, bmctest.Password)
	w := httptest.NewRecorder()
	r.bmcs[host].ServeHTTP(w, req)
	return strings.Count(w.Body.String(), "/redfish/v1/SessionService/Sessions/")
}
