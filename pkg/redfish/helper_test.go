package redfish_test

import (
	"bytes"
	"encoding/pem"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/redfish/redfishtest"
	"github.com/okd-install/okd-install/pkg/secret"
)

const image = "https://192.0.2.1:8443/agent.x86_64.iso"

// rig is a BMC and what is needed to connect to it.
type rig struct {
	*redfishtest.BMC
	clock *redfishtest.Clock
	opt   redfish.Options
	log   *bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{BMC: redfishtest.New(t), clock: &redfishtest.Clock{}, log: &bytes.Buffer{}}
	address, err := redfish.Parse("redfish-virtualmedia+" + r.Server.URL + redfishtest.System)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := redfish.Trust(pem.EncodeToMemory(
		&pem.Block{Type: "CERTIFICATE", Bytes: r.Server.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	r.opt = redfish.Options{
		Host: "master-0", Address: address, Username: redfishtest.Username,
		Password: secret.New(redfishtest.Password), Roots: roots, Clock: r.clock,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return r
}

// connect logs in. At the end of the test no session may be left, and no secret in the log.
func (r *rig) connect(t *testing.T) *redfish.BMC {
	t.Helper()
	b, err := redfish.Connect(t.Context(), r.opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
		if n := r.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
		checkNoSecret(t, r.log.String())
	})
	return b
}

func checkNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, s := range []string{redfishtest.Password, "token-"} {
		if strings.Contains(text, s) {
			t.Errorf("%q is in: %s", s, text)
		}
	}
}

// checkFails checks the kind of an error, what it says, and that it names host and BMC and no secret.
func (r *rig) checkFails(t *testing.T, err error, kind redfish.Kind, saying ...string) {
	t.Helper()
	if !redfish.Is(err, kind) {
		t.Fatalf("error %v, want one of kind %q", err, kind)
	}
	text := err.Error()
	if next, ok := err.(interface{ Next() string }); ok {
		text += "\n" + next.Next()
	}
	for _, s := range append(saying, "host master-0 (BMC 127.0.0.1:") {
		if !strings.Contains(text, s) {
			t.Errorf("error %q does not say %q", text, s)
		}
	}
	checkNoSecret(t, text)
}

func checkChanges(t *testing.T, r *rig, want ...string) {
	t.Helper()
	if got := r.Changes(); !slices.Equal(got, want) {
		t.Errorf("the BMC was asked:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
