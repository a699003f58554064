package redfish

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	gofish "github.com/stmcginnis/gofish/redfish"
)

// PowerState is whether a machine runs.
type PowerState = gofish.PowerState

// The states that are waited for. A machine may be on its way between them.
const (
	On  = gofish.OnPowerState
	Off = gofish.OffPowerState
)

// Times that machines need. Large ones take minutes until the BMC has them on.
const (
	powerPoll  = 3 * time.Second
	powerLimit = 5 * time.Minute
	// resetLimit is how long an action is repeated that is refused for now: iDRAC 10 does that after a power-off.
	resetLimit = 90 * time.Second
)

// Power is the state of the machine now.
func (b *BMC) Power(ctx context.Context) (PowerState, error) {
	sys, err := b.read(ctx, "read the power state")
	if err != nil {
		return "", err
	}
	return sys.PowerState, nil
}

// PowerOn starts the machine, and waits until it is on.
func (b *BMC) PowerOn(ctx context.Context) error {
	return b.power(ctx, "power on", On, powerLimit, gofish.OnResetType, gofish.ForceOnResetType)
}

// PowerOff stops the machine, and waits until it is off. Its operating system has time to shut down first; without
// any, or when the time is over, the power is cut.
func (b *BMC) PowerOff(ctx context.Context, grace time.Duration) error {
	const action = "power off"
	if grace > 0 {
		err := b.power(ctx, "shut down", Off, grace, gofish.GracefulShutdownResetType)
		if err == nil || ctx.Err() != nil || Is(err, BadLogin, Forbidden) {
			return err
		}
		b.log.Info("the machine does not shut down, its power is cut", "err", err)
	}
	return b.power(ctx, action, Off, powerLimit, gofish.ForceOffResetType)
}

// Reset restarts the machine without regard to its operating system, and starts it if it is off.
func (b *BMC) Reset(ctx context.Context) error {
	const action = "reset"
	sys, err := b.read(ctx, action)
	if err != nil {
		return err
	}
	if sys.PowerState == Off {
		return b.PowerOn(ctx)
	}
	how := choose(sys, gofish.ForceRestartResetType, gofish.PowerCycleResetType)
	if how == "" {
		if err := b.PowerOff(ctx, 0); err != nil {
			return err
		}
		return b.PowerOn(ctx)
	}
	if err := b.reset(ctx, action, sys, how); err != nil {
		return err
	}
	return b.reach(ctx, action, On, powerLimit)
}

// choose is the first of the types that the BMC has. One that does not say what it has is asked for the first.
func choose(sys *system, types ...gofish.ResetType) gofish.ResetType {
	allowed := sys.extra.Actions.Reset.Allowed
	if len(allowed) == 0 {
		return types[0]
	}
	for _, t := range types {
		if slices.Contains(allowed, t) {
			return t
		}
	}
	return ""
}

// power asks for a state unless it is there, and waits for it. A refusal does not matter if the state is there
// anyway, and may end by itself.
func (b *BMC) power(
	ctx context.Context, action string, want PowerState, limit time.Duration, types ...gofish.ResetType,
) error {
	end := b.clock.Now().Add(resetLimit)
	for {
		sys, err := b.read(ctx, action)
		if err != nil {
			return err
		}
		if sys.PowerState == want {
			return nil
		}
		how := choose(sys, types...)
		if how == "" {
			return b.fail(action, &Error{Kind: Unsupported, Detail: "the BMC cannot do " + names(types)})
		}
		err = b.reset(ctx, action, sys, how)
		switch {
		case err == nil:
			return b.reach(ctx, action, want, limit)
		case Is(err, Unavailable): // it may have been done
			if b.reach(ctx, action, want, min(limit, resetLimit)) == nil {
				return nil
			}
			return err
		case !slices.Contains([]int{http.StatusBadRequest, http.StatusConflict}, status(err)):
			return err
		}
		if now, readErr := b.Power(ctx); readErr == nil && now == want {
			return nil
		}
		if status(err) == http.StatusBadRequest || b.clock.Now().After(end) {
			return err
		}
		if err := b.clock.Sleep(ctx, jitter(writePause)); err != nil {
			return b.conn.stopped(ctx, action)
		}
	}
}

func names(types []gofish.ResetType) string {
	var out []string
	for _, t := range types {
		out = append(out, string(t))
	}
	return strings.Join(out, " or ")
}

func (b *BMC) reset(ctx context.Context, action string, sys *system, how gofish.ResetType) error {
	to := sys.extra.Actions.Reset.Target
	if to == "" {
		to = b.system + "/Actions/ComputerSystem.Reset"
	}
	a, err := b.conn.post(ctx, action, to, map[string]any{"ResetType": how})
	if err != nil {
		return err
	}
	return b.follow(ctx, action, a)
}

// reach waits for a power state.
func (b *BMC) reach(ctx context.Context, action string, want PowerState, limit time.Duration) error {
	var last PowerState
	reached, err := b.until(ctx, action, powerPoll, limit, func() (bool, error) {
		state, err := b.Power(ctx)
		last = state
		return state == want, err
	})
	if err != nil || reached {
		return err
	}
	return b.fail(action, &Error{
		Kind: Stuck, Detail: "the machine is " + string(last) + " after " + limit.String() + " instead of " + string(want),
		Advice: "look at the machine's console and at the BMC's event log",
	})
}

// until polls, at least once, until something is so or the time is over, which is no error.
func (b *BMC) until(
	ctx context.Context, action string, every, limit time.Duration, check func() (bool, error),
) (bool, error) {
	end := b.clock.Now().Add(limit)
	for {
		done, err := check()
		if done || err != nil {
			return done, err
		}
		if !b.clock.Now().Before(end) {
			return false, nil
		}
		if err := b.clock.Sleep(ctx, every); err != nil {
			return false, b.conn.stopped(ctx, action)
		}
	}
}
