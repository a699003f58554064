package virtualization_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/virtualization"
	"github.com/okd-install/okd-install/pkg/kube"
	types "github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/stacktest"
)

// environment is a directory with a kubeconfig for the cluster, and what is said.
func environment(t *testing.T, s *stacktest.Stack) (*install.Env, func() string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "admin"), fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a,
		clusters: [{name: a, cluster: {server: %q}}], users: [{name: a, user: {}}],
		contexts: [{name: a, context: {cluster: a, user: a}}]}`, s.Config().Host))
	var mu sync.Mutex
	var said []string
	return &install.Env{
			Dir: dir, Clock: s.Clock(), Getenv: func(string) string { return "" },
			Sink: event.SinkFunc(func(e event.Event) {
				mu.Lock()
				defer mu.Unlock()
				said = append(said, e.Message)
			}),
		}, func() string {
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(said, "\n")
		}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const config = `apiVersion: virtualization.okd-install.io/v1alpha1
kind: Virtualization
smokeTest: {enabled: false}
`

// A cluster that this installer did not install gets what its nodes can have, keeps it, and loses it again.
func TestDeployElsewhere(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	before := s.Paths()
	e, said := environment(t, s)
	file := filepath.Join(e.Dir, "mine.yaml")
	write(t, file, config)
	o := virtualization.Options{Kubeconfig: filepath.Join(e.Dir, "admin"), Config: file}
	status, err := virtualization.Status(t.Context(), e, o)
	if err != nil || status.Ready {
		t.Errorf("before: %+v, %v", status, err)
	}
	if err := virtualization.Deploy(t.Context(), e, o); err != nil {
		t.Fatalf("%v\n%s", err, said())
	}
	if status, err = virtualization.Status(t.Context(), e, o); err != nil || !status.Ready {
		t.Errorf("after: %+v, %v", status, err)
	}
	var text bytes.Buffer
	if err := virtualization.WriteStatus(&text, status); err != nil || !strings.Contains(text.String(),
		"HyperConverged kubevirt-hyperconverged/kubevirt-hyperconverged") {
		t.Errorf("%s, %v", text.String(), err)
	}
	s.Writes()
	if err := virtualization.Deploy(t.Context(), e, o); err != nil {
		t.Fatal(err)
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("the second run wrote %v", w)
	}
	if err := virtualization.Remove(t.Context(), e, o); err != nil {
		t.Fatalf("%v\n%s", err, said())
	}
	if after := s.Paths(); !slices.Equal(before, after) {
		t.Errorf("left: %v", slices.DeleteFunc(after, func(p string) bool { return slices.Contains(before, p) }))
	}
}

// pinned are assets of a release of which only the image is known.
type pinned struct{ running string }

func (p *pinned) Runs(version string) error { p.running = version; return nil }
func (p *pinned) Virtualization(context.Context) (assets.Virtualization, error) {
	return assets.Virtualization{Config: &types.Config{}}, nil
}

// The version is that of the cluster, whose API may be away for a moment.
func TestFromAssets(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	e, _ := environment(t, s)
	clk := s.Clock()
	clk.Before = func(time.Time) { s.Down(false) }
	e.Clock = clk
	api, err := kube.New(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.Down(true)
	var p pinned
	if _, err := virtualization.FromAssets(t.Context(), e, api, &p); err != nil || p.running == "" {
		t.Errorf("the cluster runs %q, %v", p.running, err)
	}
}

func TestMistakes(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	e, _ := environment(t, s)
	file := filepath.Join(e.Dir, "mine.yaml")
	admin := filepath.Join(e.Dir, "admin")
	write(t, file, config+"storage: {type: floppy}\n")
	for name, tt := range map[string]struct {
		o    virtualization.Options
		code int
		text string
	}{
		"no kubeconfig":     {virtualization.Options{}, exit.Other, "read the kubeconfig"},
		"no such file":      {virtualization.Options{Kubeconfig: admin, Config: "nowhere"}, exit.InstallConfig, "nowhere"},
		"a mistake in it":   {virtualization.Options{Kubeconfig: admin, Config: file}, exit.InstallConfig, "storage.type"},
		"not a file at all": {virtualization.Options{Kubeconfig: admin, Config: e.Dir}, exit.InstallConfig, "is not a file"},
	} {
		err := virtualization.Deploy(t.Context(), e, tt.o)
		if err == nil || exit.Code(err) != tt.code || !strings.Contains(err.Error(), tt.text) || exit.Next(err) == "" {
			t.Errorf("%s: code %d, %v", name, exit.Code(err), err)
		}
	}
	s.Down(true)
	err := virtualization.Deploy(t.Context(), e, virtualization.Options{Kubeconfig: admin})
	if err == nil || !strings.Contains(err.Error(), "connection was closed") {
		t.Errorf("away: %v", err)
	}
}
