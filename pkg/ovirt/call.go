package ovirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// request is one of the SDK's. It belongs to the session that it was built with.
type request[R any] interface{ Send() (R, error) }

// care says whether a request whose outcome is not known may be sent again.
type care bool

const (
	// repeatable is for what may be done twice because that is the same as once.
	repeatable care = true
	// single is for all else: after Unavailable it may have been done, or will be.
	single care = false
)

// call is the only way to the engine but for login and imageio. It sends a request
// again when the engine was not reached, when a repeatable one failed, and, with a
// new login, when the session has expired. Each attempt is a request of its own:
// one that was given up and ends late has nowhere to write to.
func call[Q request[R], R, V any](
	ctx context.Context, c *Client, op string, how care, build func(*engine) Q, read func(R) (V, bool),
) (V, error) {
	var none V
	s := c.current()
	t := c.tries(op, how)
	for {
		var answer R
		err := context.Cause(ctx)
		if err == nil {
			done := make(chan outcome[R], 1)
			go send(build(s), done)
			answer, err = await(ctx, c, done, how)
		}
		if err = t.classify(ctx, err); err == nil {
			if value, ok := read(answer); ok {
				return value, nil
			}
			return none, &Error{Op: op, Kind: Broken, Detail: "the answer does not hold it"}
		}
		if t.expired(err) {
			if s, err = c.login(ctx, s); err != nil {
				return none, fmt.Errorf("%s: %w", op, err)
			}
			continue
		}
		if !t.again(ctx, err) {
			return none, err
		}
	}
}

// order is a call whose answer holds nothing.
func order[Q request[R], R any](
	ctx context.Context, c *Client, op string, how care, build func(*engine) Q,
) error {
	_, err := call(ctx, c, op, how, build, func(R) (struct{}, bool) { return struct{}{}, true })
	return err
}

// outcome is how one attempt ended.
type outcome[R any] struct {
	value R
	err   error
}

// send sends a request of a library that panics on some answers.
func send[Q request[R], R any](q Q, done chan<- outcome[R]) {
	defer func() {
		if p := recover(); p != nil {
			done <- outcome[R]{err: fmt.Errorf("the oVirt SDK cannot read the answer: %v", p)}
		}
	}()
	value, err := q.Send()
	done <- outcome[R]{value, err}
}

// await waits for a request of a library that knows no contexts and no time limits.
// One that hangs is left behind, with whatever it returns in the end.
func await[R any](ctx context.Context, c *Client, done <-chan outcome[R], how care) (R, error) {
	var none R
	limit := time.NewTimer(c.opt.CallLimit)
	defer limit.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-limit.C:
		return none, fmt.Errorf("no answer within %s: %w", c.opt.CallLimit, os.ErrDeadlineExceeded)
	case <-ctx.Done():
	}
	if how == single {
		grace := time.NewTimer(c.opt.Grace)
		defer grace.Stop()
		select {
		case o := <-done:
			return o.value, o.err
		case <-grace.C:
		}
	}
	return none, context.Cause(ctx)
}

// tries are the attempts at one request.
type tries struct {
	c       *Client
	op      string
	how     care
	made    int
	pause   time.Duration
	renewed bool // the login
}

func (c *Client) tries(op string, how care) *tries {
	return &tries{c: c, op: op, how: how, pause: c.opt.Poll / 2}
}

// classify says what an attempt ended with. The end of the context stays what it is.
func (t *tries) classify(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return fmt.Errorf("%s: %w", t.op, err)
	}
	return classify(t.op, err)
}

// expired reports, once, whether the session has expired. The engine ends idle
// sessions after 30 minutes, which is shorter than a bootstrap. It refused the
// request, so any request may be sent again.
func (t *tries) expired(err error) bool {
	if t.renewed || !Is(err, Expired) {
		return false
	}
	t.made, t.renewed = 0, true
	return true
}

// again waits before the next attempt, and reports whether there is to be one.
func (t *tries) again(ctx context.Context, err error) bool {
	t.made++
	passes := Is(err, Unreachable) || t.how == repeatable && Is(err, Unavailable)
	if !passes || t.made >= t.c.opt.Tries {
		return false
	}
	t.c.opt.Log.Debug("request failed, trying again", "op", t.op, "try", t.made, "err", err)
	_ = t.c.opt.Clock.Sleep(ctx, t.pause) // the next attempt says that ctx has ended
	t.pause = min(2*t.pause, 5*t.c.opt.Poll)
	return true
}
