package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/rollout"
)

func find(t *testing.T, name string) phase.Phase {
	t.Helper()
	p, known := phases.Find(name)
	if !known {
		t.Fatalf("there is no phase %s", name)
	}
	return p
}

func TestExitCode(t *testing.T) {
	broken := errors.New("broken")
	in := func(name string, err error) error {
		return errors.Join(&phase.Failed{Phase: find(t, name), Err: err}, errors.New("write journal: disk full"))
	}
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"success", nil, 0},
		{"anything else", broken, 1},
		{"preflight", in("preflight", broken), 1},
		{"images", in("images", broken), 4},
		{"infrastructure", in("infrastructure", broken), 4},
		{"bootstrap host", in("bootstrap-up", broken), 4},
		{"API wait", in("api-answers", broken), 5},
		{"bootstrap wait", in("bootstrap-complete", broken), 5},
		{"bootstrap host stays", in("bootstrap-destroyed", broken), 4},
		{"nodes", in("nodes-joined", broken), 6},
		{"install wait", in("cluster-complete", broken), 6},
		{"virtualization", in("virtualization", broken), 6},
		{"operators", in("cluster-complete", &rollout.Unsettled{Err: context.DeadlineExceeded}), 7},
		{"a failure within a phase", in("cluster-complete", exit.With(exit.Other, "", broken)), 1},
		{"signal", fmt.Errorf("%w by SIGINT", exit.ErrInterrupted), 8},
		{"signal in a phase", in("images", fmt.Errorf("upload: %w", exit.ErrInterrupted)), 8},
		{"signal while operators settle", in("cluster-complete", &rollout.Unsettled{Err: exit.ErrInterrupted}), 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := exit.Code(tt.err); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}

func TestBootstrapHostStaysOnRequest(t *testing.T) {
	for value, stays := range map[string]bool{"": false, "true": true, "0": true} {
		c := &creation{app: &App{Getenv: func(key string) string {
			if key == "OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP" {
				return value
			}
			return ""
		}}}
		if got := c.preserved(); (got != "") != stays || stays && !strings.Contains(got, "destroy bootstrap") {
			t.Errorf("%q: %q", value, got)
		}
	}
}
