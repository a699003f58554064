// Package wizard asks for what an install-config has to say. Answers are
// checked one by one with the rules of pkg/types; on oVirt the choices are what
// the engine has. Nothing is written here: the caller gets the result.
package wizard

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Deps is what the wizard needs of its surroundings.
type Deps struct {
	Ask    Asker
	Getenv func(string) string
	Clock  clock.Clock
	Sink   event.Sink // for what is said between questions
	// Hide is told each secret as soon as it is known.
	Hide func(...secret.String)
}

// Result is what the answers come to.
type Result struct {
	InstallConfig []byte // holds secrets: mode 0600
	// Login is the engine's, nil if none was asked for.
	Login *Login
}

// Login is how to log in to the engine, and where that may be kept.
type Login struct {
	Config ovirt.Config
	Path   string
	Save   bool // the person wants it there
}

// wizard is one round of questions.
type wizard struct {
	Deps
	config types.InstallConfig
	login  *Login
}

// Run asks. The order is that of openshift-install.
func Run(ctx context.Context, d Deps) (*Result, error) {
	w := &wizard{Deps: d, config: types.InstallConfig{APIVersion: types.APIVersion}}
	for _, step := range []func(context.Context) error{w.sshKey, w.platform, w.baseDomain, w.clusterName, w.pullSecret} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	text, err := encode(&w.config)
	if err != nil {
		return nil, err
	}
	// Single answers are right; what is left is how they go together.
	if _, findings := types.Load(fileName, text); findings.Failed() {
		return nil, fmt.Errorf("the answers do not fit together:\n%w", findings.Err())
	}
	return &Result{InstallConfig: text, Login: w.login}, nil
}
