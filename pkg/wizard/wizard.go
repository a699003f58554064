// Package wizard asks for what an install-config has to say. Answers are checked
// one by one with the rules of pkg/types; the questions about a platform are the
// platform's. Nothing is written here: the caller gets the result.
package wizard

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Deps is what the wizard needs of its surroundings.
type Deps struct {
	Platforms []Platform // to choose from, in this order
	Ask       Asker
	Getenv    func(string) string
	Clock     clock.Clock
	Sink      event.Sink // for what is said between questions
	// Hide is told each secret as soon as it is known.
	Hide func(...secret.String)
}

// Result is what the answers come to.
type Result struct {
	InstallConfig []byte // holds secrets: mode 0600
	// Login is what was entered to log in to the platform, nil if nothing was.
	Login *Login
}

// Login is a file with which the installer logs in to a platform.
type Login struct {
	Path string
	Text []byte // holds secrets: mode 0600
	Save bool   // the person wants it there
}

// Platform is a platform that the wizard offers.
type Platform struct {
	Kind types.PlatformKind
	What string // what it is, in a few words
	// Ask puts the questions about it, and its settings into the draft.
	Ask func(ctx context.Context, s *Session) error
}

// Run asks. The order is that of openshift-install.
func Run(ctx context.Context, d Deps) (*Result, error) {
	s := &Session{Deps: d, Draft: types.InstallConfig{APIVersion: types.APIVersion}}
	for _, step := range []func(context.Context) error{s.sshKey, s.platform, s.baseDomain, s.clusterName, s.pullSecret} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	text, err := encode(&s.Draft)
	if err != nil {
		return nil, err
	}
	// Each answer was checked alone; this checks them together.
	if findings := s.load(text); findings.Failed() {
		return nil, fmt.Errorf("the answers do not fit together:\n%w", findings.Err())
	}
	return &Result{InstallConfig: text, Login: s.Login}, nil
}
