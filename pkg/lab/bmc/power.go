package bmc

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

// maxAction is how long a host may take to do what it is told.
const maxAction = 5 * time.Minute

// power is what the controller is doing with the power.
type power struct {
	moving bool
	from   Power // while moving
	to     Power
	onAt   time.Time // when it switched the host on, and off
	offAt  time.Time
}

// powerState is what the controller says.
func (b *BMC) powerState() string {
	var p power
	b.locked(func() { p = b.power })
	switch {
	case !p.moving:
		return string(b.cfg.Host.Power())
	case p.from == p.to || !b.p.Power.Transitional:
		return string(p.from)
	case p.to == On:
		return "PoweringOn"
	}
	return "PoweringOff"
}

// since reports whether something is less than a while ago, and how many seconds are left.
func (b *BMC) since(t time.Time, window time.Duration) (int, bool) {
	left := window - b.now().Sub(t)
	return int(math.Ceil(left.Seconds())), !t.IsZero() && left > 0
}

// busy is an error while the controller reads what has changed in the system.
func (b *BMC) busy() error {
	var on time.Time
	b.locked(func() { on = b.power.onAt })
	if left, is := b.since(on, b.p.Power.Busy); is {
		return vendor.Refuse(vendor.Busy, fmt.Sprint(left))
	}
	return nil
}

// reset is the action ComputerSystem.Reset.
func (b *BMC) reset(c *call) (answer, error) {
	if err := wire.Only(c.fields, vendor.UnknownParam, "ResetType"); err != nil {
		return answer{}, err
	}
	if err := wire.Need(c.fields, "ResetType"); err != nil {
		return answer{}, err
	}
	kind, _, err := wire.Field[string](c.fields, "ResetType")
	if err == nil && !slices.Contains(b.p.Power.Resets, kind) {
		err = vendor.Wrong(vendor.NotInList, "ResetType", kind)
	}
	if err != nil {
		return answer{}, err
	}
	return b.press(kind)
}

// press begins what a reset of that kind does.
func (b *BMC) press(kind string) (answer, error) {
	is := b.cfg.Host.Power()
	if kind == "PushPowerButton" {
		kind = map[Power]string{On: "GracefulShutdown", Off: "On"}[is]
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.power.moving {
		return answer{}, vendor.Refuse(vendor.Changing)
	}
	switch {
	case b.faults.stuckPower:
		return noContent, nil // that is all
	case is == On && (kind == "On" || kind == "ForceOn"):
		return b.repeated(vendor.AlreadyOn)
	case is == Off && (kind == "ForceOff" || kind == "GracefulShutdown"):
		return b.repeated(vendor.AlreadyOff)
	case is == Off && kind != "On" && kind != "ForceOn":
		return answer{}, vendor.Refuse(vendor.IsOff)
	}
	if _, settles := b.since(b.power.offAt, b.p.Power.OnAfterOff); settles && is == Off {
		return answer{}, vendor.Refuse(vendor.Settling)
	}
	h, on, off := b.cfg.Host, b.p.Power.On+b.faults.slowPower, b.p.Power.Off+b.faults.slowPower
	switch kind {
	case "On", "ForceOn":
		b.move(On, on, kind, func(ctx context.Context) error { return b.start(ctx, h.On) })
	case "ForceOff":
		b.move(Off, off, kind, b.stop)
	case "ForceRestart":
		b.move(On, off, kind, func(ctx context.Context) error { return b.start(ctx, h.ForceRestart) })
	case "PowerCycle":
		b.move(On, off, kind, func(ctx context.Context) error {
			if err := b.stop(ctx); err != nil {
				return err
			}
			return b.start(ctx, h.On)
		})
	case "GracefulShutdown", "GracefulRestart":
		b.later(off, func(ctx context.Context) { b.report(kind, b.graceful(ctx, kind == "GracefulRestart")) })
	}
	return noContent, nil
}

// repeated answers a reset that would change nothing.
func (b *BMC) repeated(kind string) (answer, error) {
	if b.p.Power.Repeat {
		return noContent, nil
	}
	return answer{}, vendor.Refuse(kind)
}

// move changes the power after a while; until then the old state is reported. The
// caller holds the lock.
func (b *BMC) move(to Power, after time.Duration, kind string, do func(ctx context.Context) error) {
	b.power.moving, b.power.from, b.power.to = true, b.cfg.Host.Power(), to
	b.later(after, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, maxAction)
		defer cancel()
		err := do(ctx)
		b.locked(func() { b.power.moving = false })
		b.report(kind, err)
	})
}

// report says how a reset went.
func (b *BMC) report(kind string, err error) {
	if err != nil {
		b.cfg.Log.Warn("the host could not be switched", "reset", kind, "error", err)
		return
	}
	b.emit("StatusChange", "ResourceEvent.1.0.ResourceChanged",
		fmt.Sprintf("Reset %s: the power is %s.", kind, b.cfg.Host.Power()), systemPath(b.p))
}

// start starts the host, by switching it on or by a reset.
func (b *BMC) start(ctx context.Context, how func(context.Context) error) error {
	if err := how(ctx); err != nil {
		return err
	}
	b.locked(func() {
		b.power.onAt = b.now()
		b.boot.started()
	})
	return nil
}

func (b *BMC) stop(ctx context.Context) error {
	if err := b.cfg.Host.ForceOff(ctx); err != nil {
		return err
	}
	b.locked(func() { b.power.offAt = b.now() })
	return nil
}

// graceful presses the power button and, if the host is to come back, waits until it
// has gone off. Until then it can be switched off hard.
func (b *BMC) graceful(ctx context.Context, again bool) error {
	if err := b.cfg.Host.GracefulShutdown(ctx); err != nil || !again {
		return err
	}
	end := b.now().Add(maxAction)
	for b.cfg.Host.Power() == On {
		if !b.now().Before(end) {
			return fmt.Errorf("it is still on after %s", maxAction)
		}
		if err := b.cfg.Clock.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return b.start(ctx, b.cfg.Host.On)
}
