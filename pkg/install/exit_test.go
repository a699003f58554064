package install_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// What a failure in a phase ends with.
func TestExitCode(t *testing.T) {
	broken := errors.New("broken")
	in := func(name string, err error) error {
		p, known := phases.Find(name)
		if !known {
			t.Fatalf("there is no phase %s", name)
		}
		return errors.Join(&phase.Failed{Phase: p, Err: err}, errors.New("write journal: disk full"))
	}
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"preflight", in("preflight", broken), 1},
		{"images", in("images", broken), 4},
		{"API wait", in("api-answers", broken), 5},
		{"install wait", in("cluster-complete", broken), 6},
		{"operators", in("cluster-complete", &rollout.Unsettled{Err: context.DeadlineExceeded}), 7},
		{"of the cause", in("cluster-complete", exit.With(exit.Other, "", broken)), 1},
		{"signal in a phase", in("images", fmt.Errorf("upload: %w", exit.ErrInterrupted)), 8},
		{"signal while operators settle", in("cluster-complete", &rollout.Unsettled{Err: exit.ErrInterrupted}), 8},
		{"signal, with what is left", &install.Interrupted{Err: in("images", exit.ErrInterrupted)}, 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := exit.Code(tt.err); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}
