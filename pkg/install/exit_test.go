package install

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/rollout"
)

func TestExitCode(t *testing.T) {
	broken := errors.New("broken")
	in := func(name string, err error) error {
		return errors.Join(&phase.Failed{Phase: name, Err: err}, errors.New("write journal: disk full"))
	}
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"success", nil, 0},
		{"anything else", broken, 1},
		{"install-config", ConfigError(broken), 3},
		{"install-config, wrapped", fmt.Errorf("read: %w", ConfigError(broken)), 3},
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
		{"a failure within a phase", in("cluster-complete", &Failure{Code: ExitOther, Err: broken}), 1},
		{"signal", fmt.Errorf("%w by SIGINT", ErrInterrupted), 8},
		{"signal in a phase", in("images", fmt.Errorf("upload: %w", ErrInterrupted)), 8},
		{"signal while operators settle", in("cluster-complete", &rollout.Unsettled{Err: ErrInterrupted}), 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ExitCode(tt.err); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}

func TestNextStep(t *testing.T) {
	broken := errors.New("broken")
	failed := &phase.Failed{Phase: "images", Next: "of the phase", Err: broken}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"none is known", broken, ""},
		{"of the phase", errors.Join(failed, nil), "of the phase"},
		{"the nearest to the cause wins", &phase.Failed{Next: "of the phase", Err: &Failure{Next: "of the cause", Err: broken}}, "of the cause"},
		{"a failure that knows none", &phase.Failed{Next: "of the phase", Err: &Failure{Err: broken}}, "of the phase"},
	}
	for _, tt := range tests {
		if got := NextStep(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPhases(t *testing.T) {
	want := []string{"preflight", "images", "infrastructure", "bootstrap-up", "api-answers", "bootstrap-complete",
		"bootstrap-destroyed", "nodes-joined", "cluster-complete", "virtualization"}
	if diff := cmp.Diff(want, PhaseNames()); diff != "" {
		t.Errorf("the phases are not those of the design:\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(phaseCodes))); diff != "" {
		t.Errorf("phases and exit codes differ:\n%s", diff)
	}
	for _, p := range (&creation{}).phases() {
		if p.Help == "" {
			t.Errorf("%s says nothing of itself", p.Name)
		}
		if p.Run == nil {
			if p.Unless == nil || p.Unless() == "" {
				t.Errorf("%s neither runs nor says why not", p.Name)
			}
			continue
		}
		if p.Budget == 0 || p.Next == "" {
			t.Errorf("%s has no budget or no next step", p.Name)
		}
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
