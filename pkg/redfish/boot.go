package redfish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	gofish "github.com/stmcginnis/gofish/redfish"
)

// BootMode is how the firmware starts what it boots.
type BootMode = gofish.BootSourceOverrideMode

// The modes.
const (
	UEFI   = gofish.UEFIBootSourceOverrideMode
	Legacy = gofish.LegacyBootSourceOverrideMode
)

// override is what a boot override says.
type override struct {
	enabled gofish.BootSourceOverrideEnabled
	target  gofish.BootSourceOverrideTarget
	uefi    string // device path, for the target UefiTarget
	mode    BootMode
}

// BootOnceFromMedia makes the machine boot its virtual CD at the next start, and only then. The medium must have been
// inserted: some BMCs have no such target before.
func (b *BMC) BootOnceFromMedia(ctx context.Context, mode BootMode) error {
	return b.bootFromMedia(ctx, "boot once from virtual media", mode, gofish.OnceBootSourceOverrideEnabled)
}

// BootFromMedia makes the machine boot its virtual CD at every start until ClearBootOverride, for firmware that ignores
// overrides for one boot. BMCs without such an override, and those that need a vendor's action, get one for one boot.
func (b *BMC) BootFromMedia(ctx context.Context, mode BootMode) error {
	const action = "boot from virtual media"
	err := b.bootFromMedia(ctx, action, mode, gofish.ContinuousBootSourceOverrideEnabled)
	if err != nil && ctx.Err() == nil && otherWay(err) {
		b.log.Debug("the BMC takes no lasting boot override", "err", err)
		return b.bootFromMedia(ctx, action, mode, gofish.OnceBootSourceOverrideEnabled)
	}
	return err
}

func (b *BMC) bootFromMedia(
	ctx context.Context, action string, mode BootMode, enabled gofish.BootSourceOverrideEnabled,
) error {
	var err error
	for _, way := range b.profile.Boot {
		if way == "oem" {
			err = b.bootByVendor(ctx, action, mode)
		} else {
			err = b.override(ctx, action, mode, enabled)
		}
		if err == nil || ctx.Err() != nil || !otherWay(err) {
			return err
		}
		b.log.Debug("the BMC does not take the boot override", "way", way, "err", err)
	}
	return err
}

// otherWay reports whether a refused boot override may be accepted in another form.
func otherWay(err error) bool { return refusedBody(err) || Is(err, Unsupported, NotFound, Stuck) }

// override uses the override of the specification.
func (b *BMC) override(
	ctx context.Context, action string, mode BootMode, enabled gofish.BootSourceOverrideEnabled,
) error {
	sys, err := b.read(ctx, action)
	if err != nil {
		return err
	}
	allowed := sys.extra.Boot.Enabled
	if len(allowed) > 0 && !slices.Contains(allowed, enabled) {
		return b.fail(action, &Error{Kind: Unsupported, Advice: "update the BMC's firmware",
			Detail: fmt.Sprintf("the BMC has no boot override of kind %s; it has %s", enabled, join(allowed))})
	}
	holders, err := b.holders(ctx, action, sys)
	if err != nil {
		return err
	}
	for _, h := range holders {
		wanted, findErr := b.overrides(ctx, action, sys, h, mode)
		if findErr != nil {
			return findErr
		}
		for _, o := range wanted {
			o.enabled = enabled
			if err = b.setOverride(ctx, action, h, o); err == nil || !otherWay(err) {
				return err
			}
			b.log.Debug("the BMC does not take the target", "target", o.target, "at", h.ODataID, "err", err)
		}
	}
	return err
}

// holders are the resources that may have the override: with some BMCs the settings of the system, not the system.
func (b *BMC) holders(ctx context.Context, action string, sys *system) ([]*system, error) {
	sys.ODataID = b.system
	at := sys.extra.Settings.SettingsObject.ID
	if at == "" || at == b.system {
		return []*system{sys}, nil
	}
	settings, err := b.readAt(ctx, action, at)
	if Is(err, NotFound, Unsupported) {
		return []*system{sys}, nil
	}
	if err != nil {
		return nil, err
	}
	settings.ODataID = at
	if _, has := settings.boot["BootSourceOverrideTarget"]; !has {
		return []*system{sys}, nil
	}
	return []*system{settings, sys}, nil
}

// overrides are the overrides that could boot the medium, in the vendor's order.
func (b *BMC) overrides(
	ctx context.Context, action string, sys, holder *system, mode BootMode,
) ([]override, error) {
	allowed := holder.extra.Boot.Targets
	if len(allowed) == 0 {
		allowed = sys.extra.Boot.Targets
	}
	var out []override
	var why string
	for _, target := range b.profile.Targets {
		if len(allowed) > 0 && !slices.Contains(allowed, target) {
			continue
		}
		if target != gofish.UefiTargetBootSourceOverrideTarget {
			out = append(out, override{target: target, mode: mode})
			continue
		}
		if mode != UEFI || len(allowed) == 0 { // not said to be supported
			continue
		}
		path, err := b.uefiTarget(ctx, action, sys)
		if err != nil {
			return nil, err
		}
		if path == "" {
			why = "; UefiTarget needs exactly one virtual CD among the boot options"
			continue
		}
		out = append(out, override{target: target, uefi: path, mode: mode})
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, b.fail(action, &Error{
		Kind: Unsupported, Detail: fmt.Sprintf("the boot targets of the BMC are %s%s", join(allowed), why),
		Advice: "insert the medium first; update the BMC's firmware; or choose the virtual CD at the machine's console",
	})
}

func join[T ~string](values []T) string {
	var out []string
	for _, v := range values {
		out = append(out, printable(string(v), false))
	}
	return strings.Join(out, ", ")
}

// uefiTarget is the device path of the virtual CD, empty if there is not exactly one.
func (b *BMC) uefiTarget(ctx context.Context, action string, sys *system) (string, error) {
	var found []string
	add := func(path string, names ...string) {
		if path != "" && b.vendors.UefiTarget.any(append(names, path)...) && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	for _, path := range sys.extra.Boot.UefiTargets {
		add(path)
	}
	options, err := b.options(ctx, action, sys)
	if err != nil {
		return "", err
	}
	for _, o := range options {
		add(o.UefiDevicePath, o.DisplayName, o.Name)
	}
	if len(found) != 1 {
		return "", nil
	}
	return found[0], nil
}

// setOverride sets an override in the forms that BMCs want, and looks whether it is set afterwards.
func (b *BMC) setOverride(ctx context.Context, action string, h *system, o override) error {
	var err error
	for _, body := range bodies(h, o) {
		now := h
		if err != nil { // the try before may have changed the ETag
			if now, err = b.readAt(ctx, action, h.ODataID); err != nil {
				return err
			}
		}
		if err = b.patchBoot(ctx, action, h.ODataID, now.etag, body); err != nil {
			if !refusedBody(err) {
				return err
			}
			continue
		}
		if err = b.hasOverride(ctx, action, h.ODataID, o); err == nil || !Is(err, Stuck) {
			return err
		}
	}
	return err
}

func (b *BMC) patchBoot(ctx context.Context, action, path, etag string, boot any) error {
	a, err := b.conn.patch(ctx, action, path, etag, map[string]any{"Boot": boot})
	if err != nil {
		return err
	}
	return b.follow(ctx, action, a)
}

// bodies are the three properties in one request, then the same without the mode, which some refuse because they
// cannot change it, then with all of what is there now, which others want.
func bodies(h *system, o override) []any {
	short := map[string]any{
		"BootSourceOverrideEnabled": o.enabled,
		"BootSourceOverrideTarget":  o.target,
	}
	if o.uefi != "" {
		short["UefiTargetBootSourceOverride"] = o.uefi
	}
	full := map[string]any{}
	for name, value := range h.boot {
		if !strings.Contains(name, "@") && !strings.HasPrefix(string(value), "{") { // no annotations, no links
			full[name] = value
		}
	}
	all := map[string]any{"BootSourceOverrideMode": o.mode}
	for name, value := range short {
		all[name] = value
	}
	for name, value := range all {
		full[name] = value
	}
	return []any{all, short, full}
}

// hasOverride reports, as an error, that an override is not what was asked for.
func (b *BMC) hasOverride(ctx context.Context, action, path string, o override) error {
	var last gofish.Boot
	set, err := b.until(ctx, action, mediaPoll, bootLimit, func() (bool, error) {
		now, err := b.readAt(ctx, action, path)
		if err != nil {
			return false, err
		}
		last = now.Boot
		return last.BootSourceOverrideEnabled == o.enabled &&
			last.BootSourceOverrideTarget == o.target &&
			(last.BootSourceOverrideMode == o.mode || last.BootSourceOverrideMode == ""), nil
	})
	if err != nil || set {
		return err
	}
	return b.fail(action, &Error{
		Kind: Stuck, Detail: printable(fmt.Sprintf("the boot override is %q, target %q, mode %q",
			last.BootSourceOverrideEnabled, last.BootSourceOverrideTarget, last.BootSourceOverrideMode), false),
		Advice: fmt.Sprintf("set the firmware's boot mode to %s, and look whether the virtual CD is a boot option", o.mode),
	})
}

const (
	bootLimit = 10 * time.Second
	jobTries  = 10 // of an action that waits for others
	jobPause  = 15 * time.Second
)

// bootByVendor uses an action of the manager that is not in the specification.
func (b *BMC) bootByVendor(ctx context.Context, action string, mode BootMode) error {
	sys, err := b.read(ctx, action)
	if err != nil {
		return err
	}
	if is := sys.Boot.BootSourceOverrideMode; is != "" && is != mode {
		return b.fail(action, &Error{
			Kind: Unsupported, Detail: fmt.Sprintf("the firmware boots in mode %s, and the host wants %s", is, mode),
			Advice: "set the boot mode in the firmware's settings, or bootMode of the host",
		})
	}
	to := b.oemAction()
	if to == "" {
		return b.fail(action, &Error{
			Kind: Unsupported,
			Detail: fmt.Sprintf("%s with firmware %s ignores the boot override of Redfish, and has no action %s",
				b.profile.Name, b.manager.FirmwareVersion, b.profile.OEM.Action),
			Advice: "update the BMC's firmware",
		})
	}
	return b.oemOverride(ctx, action, to, b.profile.OEM.Body)
}

// oemAction is the path of the vendor's action, empty if this BMC does not have it.
func (b *BMC) oemAction() string {
	for name, a := range b.manager.extra.Actions.Oem {
		if strings.HasSuffix(name, b.profile.OEM.Action) {
			return a.Target
		}
	}
	return ""
}

// oemOverride does the vendor's action, which waits for other jobs of the BMC.
func (b *BMC) oemOverride(ctx context.Context, action, to string, body map[string]any) error {
	filled := fill(body, strings.NewReplacer("{manager}", b.manager.ID))
	for try := 1; ; try++ {
		err := b.act(ctx, action, to, filled)
		if err == nil || !b.conn.isBusy(err) || try == jobTries {
			return err
		}
		if err := b.clock.Sleep(ctx, jitter(jobPause)); err != nil {
			return b.conn.stopped(ctx, action)
		}
	}
}

// act does an action to its end.
func (b *BMC) act(ctx context.Context, action, to string, body any) error {
	a, err := b.conn.post(ctx, action, to, body)
	if err != nil {
		return err
	}
	return b.follow(ctx, action, a)
}
