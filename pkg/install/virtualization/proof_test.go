package virtualization_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
	"github.com/okd-install/okd-install/pkg/virtualization/proof/kubevirttest"
)

// quick is a clock on which pauses are short.
type quick struct{ clock.Clock }

func (q quick) Sleep(ctx context.Context, d time.Duration) error { return q.Clock.Sleep(ctx, d/100) }

// directory is one with the kubeconfig of a cluster.
func directory(t *testing.T, f kubevirttest.Faults) (*install.Env, *kubevirttest.Cluster, *bytes.Buffer) {
	t.Helper()
	c := kubevirttest.New(t, f)
	dir, out := t.TempDir(), &bytes.Buffer{}
	put(t, dir, install.KubeconfigFile, fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a,
clusters: [{name: c, cluster: {server: %q}}], users: [{name: u, user: {}}],
contexts: [{name: a, context: {cluster: c, user: u}}]}`, c.Config().Host))
	return &install.Env{Dir: dir, Clock: quick{clock.Real()}, Sink: event.Discard, Stdout: out,
		Getenv: func(string) string { return "" }}, c, out
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTest(t *testing.T) {
	e, _, out := directory(t, kubevirttest.Faults{})
	put(t, e.Dir, "virtualization.yaml", "apiVersion: virtualization.okd-install.io/v1alpha1\nkind: Virtualization\n"+
		"smokeTest: {image: registry.test/disk:1}\n")
	path := filepath.Join(e.Dir, "report.xml")
	err := virtualization.Test(t.Context(), e, virtualization.TestOptions{Form: proof.JSON, Report: path})
	if err != nil {
		t.Fatal(err)
	}
	var r proof.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Count(proof.Failed) != 0 {
		t.Errorf("%v, %s", err, out)
	}
	if !strings.Contains(out.String(), "from registry.test/disk:1 runs") {
		t.Errorf("the image is not that of virtualization.yaml: %s", out)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if raw, err := os.ReadFile(path); err != nil || !strings.Contains(string(raw), "<testsuites") {
		t.Errorf("%v, %s", err, raw)
	}
}

func TestTestFails(t *testing.T) {
	e, _, out := directory(t, kubevirttest.Faults{MigrationPhase: "Failed", MigrationReason: "no socket"})
	err := virtualization.Test(t.Context(), e, virtualization.TestOptions{Form: proof.Text, Image: "i"})
	if exit.Code(err) != exit.Other || err == nil || !strings.Contains(err.Error(), "no socket") || exit.Next(err) == "" {
		t.Errorf("%v", err)
	}
	if !strings.Contains(out.String(), "1 failed") {
		t.Errorf("%s", out)
	}
}

func TestTestIsInterrupted(t *testing.T) {
	e, c, out := directory(t, kubevirttest.Faults{PullError: "i/o timeout"})
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(exit.ErrInterrupted) })
	err := virtualization.Test(ctx, e, virtualization.TestOptions{Form: proof.Text})
	if known := (*install.Interrupted)(nil); exit.Code(err) != exit.Interrupted || !errors.As(err, &known) ||
		len(known.Lines) == 0 {
		t.Errorf("%v", err)
	}
	if !strings.Contains(out.String(), "interrupted") {
		t.Errorf("%s", out)
	}
	for _, p := range c.Paths() {
		if strings.Contains(p, "virtualization-test") {
			t.Errorf("left: %s", p)
		}
	}
}

// A cluster that does not answer is what fails, not a configuration that would not fit a cluster without nodes.
func TestTestAway(t *testing.T) {
	e, c, out := directory(t, kubevirttest.Faults{})
	put(t, e.Dir, "virtualization.yaml", "apiVersion: virtualization.okd-install.io/v1alpha1\nkind: Virtualization\n"+
		"hyperConverged: {evictionStrategy: LiveMigrate}\n")
	c.Down(true)
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(time.Second, func() { cancel(exit.ErrInterrupted) })
	err := virtualization.Test(ctx, e, virtualization.TestOptions{Form: proof.Text})
	if exit.Code(err) != exit.Interrupted {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTestOptions(t *testing.T) {
	e, c, _ := directory(t, kubevirttest.Faults{})
	for name, tt := range map[string]struct {
		o    virtualization.TestOptions
		want string
	}{
		"memory": {virtualization.TestOptions{Memory: "much"}, "--memory"},
		"none":   {virtualization.TestOptions{Memory: "-1Gi"}, "--memory"},
		"port":   {virtualization.TestOptions{Port: 70000}, "--guest-port"},
		"config": {virtualization.TestOptions{Kubeconfig: "nowhere"}, "nowhere"},
	} {
		if err := virtualization.Test(t.Context(), e, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, e.Dir, "virtualization.yaml", "kind: Other\n")
	if err := virtualization.Test(t.Context(), e, virtualization.TestOptions{}); exit.Code(err) != exit.InstallConfig {
		t.Errorf("%v", err)
	}
	if w := c.Writes(); len(w) > 0 {
		t.Errorf("wrote %v", w)
	}
}
