package ovirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/wait"
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

// repeat sends a request that does no harm when it is sent twice.
func (p *Provider) repeat(ctx context.Context, limit time.Duration, act func(context.Context) error) error {
	return p.settle(ctx, limit, func(context.Context) (bool, error) { return false, nil }, act)
}

// ensure returns what find finds, or makes it.
func ensure[T any](
	ctx context.Context, p *Provider, find func(context.Context) (*T, error), create func(context.Context) (T, error),
) (T, error) {
	var out T
	err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		found, err := find(ctx)
		if found != nil {
			out = *found
		}
		return found != nil, err
	}, func(ctx context.Context) (err error) {
		out, err = create(ctx)
		return err
	})
	return out, err
}

// remove deletes an object and waits until reading it says that it is gone.
func remove[T any](
	ctx context.Context, p *Provider, limit time.Duration, what string, object T, id string,
	del func(context.Context, T) error, get func(context.Context, string) (T, error),
) error {
	if err := p.repeat(ctx, limit, func(ctx context.Context) error { return del(ctx, object) }); err != nil {
		return err
	}
	return p.until(ctx, limit, "delete "+what, func(ctx context.Context) (bool, string, error) {
		_, err := get(ctx, id)
		if api.Is(err, api.NotFound) {
			return true, "", nil
		}
		return false, "the engine still has it", err
	})
}

// until polls for at most limit.
func (p *Provider) until(ctx context.Context, limit time.Duration, op string, check wait.Check) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := wait.Until(ctx, p.Clock, p.Poll, check); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}
