// Package wizard asks the user for the fields of an install-config. Each answer is
// checked with the rules of pkg/types. Platforms add their own questions. The caller
// writes the result.
package wizard

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Deps are the dependencies of the wizard.
type Deps struct {
	Platforms []Platform // to choose from, in this order
	Ask       Asker
	Getenv    func(string) string
	Clock     clock.Clock
	Sink      event.Sink // for messages between questions
	// Hide gets each secret as soon as it is known.
	Hide func(...secret.String)
}

// Result is the result of the questions.
type Result struct {
	InstallConfig []byte // holds secrets: mode 0600
	// Login is the login to the platform that was entered, nil for none.
	Login *Login
}

// Login is the file with the login to a platform.
type Login struct {
	Path string
	Text []byte // holds secrets: mode 0600
	Save bool   // the user wants it to be written
}

// Platform is a platform that the wizard offers.
type Platform struct {
	Kind types.PlatformKind
	What string // what it is, in a few words
	// Ask asks about it and puts its settings into the draft.
	Ask func(ctx context.Context, s *Session) error
}

// Run asks the questions, in the order of openshift-install.
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
	// So far each answer was checked on its own.
	if findings := s.load(text); findings.Failed() {
		return nil, fmt.Errorf("the answers do not fit together:\n%w", findings.Err())
	}
	return &Result{InstallConfig: text, Login: s.Login}, nil
}
