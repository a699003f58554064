package ovirt

import (
	"context"
	"errors"
	"time"

	api "github.com/okd-install/okd-install/pkg/ovirt"
)

// settle brings about a state that one request makes: it looks whether the
// state is there, sends the request if not, and looks again when the answer
// leaves it open whether it worked, or when the engine is busy.
func (p *Provider) settle(
	ctx context.Context, limit time.Duration,
	look func(context.Context) (bool, error), act func(context.Context) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s := settling{Provider: p}
	for {
		there, err := look(ctx)
		if ended, err := s.looked(there, err); ended {
			return err
		}
		if ended, err := s.acted(ctx, act(ctx)); ended {
			return err
		}
	}
}

// settling decides, between looks and requests, how to go on.
type settling struct {
	*Provider
	last error // of the last request
}

// looked reports whether nothing more is to be done after a look, and why.
func (s *settling) looked(there bool, err error) (ended bool, failure error) {
	switch {
	case err != nil:
		return true, errors.Join(s.last, err)
	case there:
		return true, nil
	case api.Is(s.last, api.Conflict): // and still not there
		return true, s.last
	}
	return false, nil
}

// acted reports whether nothing more is to be done after a request, and why.
// Otherwise it waits before the next look.
func (s *settling) acted(ctx context.Context, err error) (ended bool, failure error) {
	switch {
	case err == nil:
		return true, nil
	case !api.Is(err, api.Locked, api.Unavailable, api.Conflict):
		return true, err
	case api.Is(err, api.Unavailable) && api.Is(s.last, api.Unavailable):
		return true, err // the client has tried hard each time; twice is enough
	}
	s.last = err
	s.Log.Debug("engine is busy, trying again", "err", err)
	if s.Clock.Sleep(ctx, s.Poll) != nil {
		return true, s.last
	}
	return false, nil
}

// never is for requests whose effect need not be looked for: repeating them is
// harmless.
func never(context.Context) (bool, error) { return false, nil }
