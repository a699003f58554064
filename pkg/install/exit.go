package install

import (
	"context"
	"errors"
	"fmt"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// The exit codes of the reference, and one of our own. Wrappers decide by them
// what to do next.
const (
	ExitOK             = 0
	ExitOther          = 1
	ExitInstallConfig  = 3
	ExitInfrastructure = 4
	ExitBootstrap      = 5
	ExitInstall        = 6
	ExitOperators      = 7
	ExitInterrupted    = 8
	// ExitUnproved is for a run that stops because it cannot be proved that no
	// cluster which lives would be harmed. The reference has no such code.
	ExitUnproved = 9
)

// ErrInterrupted is the cause with which a signal ends the context.
var ErrInterrupted = errors.New("interrupted")

// Failure is an error with the exit code of its kind and, where there is one,
// what to do next.
type Failure struct {
	Code int
	Next string
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// ConfigError marks an install-config that cannot be used.
func ConfigError(err error) *Failure {
	return &Failure{Code: ExitInstallConfig, Err: fmt.Errorf("failed to create install config: %w", err)}
}

var phaseCodes = map[string]int{
	PhasePreflight:          ExitOther,
	PhaseImages:             ExitInfrastructure,
	PhaseInfrastructure:     ExitInfrastructure,
	PhaseBootstrapUp:        ExitInfrastructure,
	PhaseAPIAnswers:         ExitBootstrap,
	PhaseBootstrapComplete:  ExitBootstrap,
	PhaseBootstrapDestroyed: ExitInfrastructure,
	PhaseNodesJoined:        ExitInstall,
	PhaseClusterComplete:    ExitInstall,
	PhaseVirtualization:     ExitInstall,
}

// ExitCode is the code with which a run that ended with err exits.
func ExitCode(err error) int {
	var failure *Failure
	var failed *phase.Failed
	var unsettled *rollout.Unsettled
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrInterrupted):
		return ExitInterrupted
	case errors.As(err, &failure):
		return failure.Code
	case errors.As(err, &unsettled):
		return ExitOperators
	case errors.As(err, &failed):
		return phaseCodes[failed.Phase]
	}
	return ExitOther
}

// NextStep is what the person who sees err can do, or empty.
func NextStep(err error) string {
	var failure *Failure
	if errors.As(err, &failure) && failure.Next != "" {
		return failure.Next
	}
	var failed *phase.Failed
	if errors.As(err, &failed) {
		return failed.Next
	}
	return ""
}

// Interrupted says whether the run was ended by a signal.
func Interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrInterrupted) }
