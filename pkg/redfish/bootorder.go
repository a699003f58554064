package redfish

import (
	"context"
	"slices"

	gofish "github.com/stmcginnis/gofish/redfish"
)

// ClearBootOverride makes the machine boot in the order of its firmware again.
func (b *BMC) ClearBootOverride(ctx context.Context) error {
	const action = "clear the boot override"
	sys, err := b.read(ctx, action)
	if err != nil {
		return err
	}
	holders, err := b.holders(ctx, action, sys)
	if err != nil {
		return err
	}
	for i, h := range holders {
		if i > 0 { // what was cleared in the settings may be gone here, too
			at := h.ODataID
			if h, err = b.readAt(ctx, action, at); err != nil {
				return err
			}
			h.ODataID = at
		}
		err := b.clear(ctx, action, h)
		if i > 0 && ctx.Err() == nil && otherWay(err) { // the next start is by the settings, which are clear
			b.log.Debug("the system itself keeps the boot override", "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	// A vendor's override is not shown. A machine that is on has used it up when it started.
	if sys.PowerState == Off && slices.Contains(b.profile.Boot, "oem") {
		if to := b.oemAction(); to != "" {
			return b.oemOverride(ctx, action, to, b.profile.OEM.Clear)
		}
	}
	return nil
}

func (b *BMC) clear(ctx context.Context, action string, h *system) error {
	if !overridden(h) {
		return nil
	}
	off := map[string]any{"BootSourceOverrideEnabled": gofish.DisabledBootSourceOverrideEnabled}
	err := b.patchBoot(ctx, action, h.ODataID, h.etag, off)
	if refusedBody(err) {
		off["BootSourceOverrideTarget"] = gofish.NoneBootSourceOverrideTarget
		err = b.patchBoot(ctx, action, h.ODataID, h.etag, off)
	}
	if err != nil {
		return err
	}
	cleared, err := b.until(ctx, action, mediaPoll, bootLimit, func() (bool, error) {
		now, err := b.readAt(ctx, action, h.ODataID)
		return err == nil && !overridden(now), err
	})
	if err != nil || cleared {
		return err
	}
	return b.fail(action, &Error{Kind: Stuck, Detail: "the boot override is still set",
		Advice: "clear the one-time boot in the BMC's web interface"})
}

func overridden(s *system) bool {
	is := s.Boot.BootSourceOverrideEnabled
	return is == gofish.OnceBootSourceOverrideEnabled || is == gofish.ContinuousBootSourceOverrideEnabled
}

// BootOption is one entry of the firmware's boot order. Name and Path are empty if the BMC does not tell them.
type BootOption struct{ Reference, Name, Path string }

// BootOrder is the firmware's boot order, the first entry first. It is empty if the BMC does not show it.
func (b *BMC) BootOrder(ctx context.Context) ([]BootOption, error) {
	const action = "read the boot order"
	sys, err := b.read(ctx, action)
	if err != nil {
		return nil, err
	}
	options, err := b.options(ctx, action, sys)
	if err != nil {
		return nil, err
	}
	var out []BootOption
	for _, ref := range sys.Boot.BootOrder {
		entry := BootOption{Reference: ref}
		for _, o := range options {
			if o.BootOptionReference == ref {
				entry.Name, entry.Path = o.DisplayName, o.UefiDevicePath
			}
		}
		out = append(out, entry)
	}
	return out, nil
}

// options are the boot options, none if the BMC does not have them.
func (b *BMC) options(ctx context.Context, action string, sys *system) ([]*gofish.BootOption, error) {
	if sys.extra.Boot.BootOptions.ID == "" {
		return nil, nil
	}
	paths, err := b.members(ctx, action, sys.extra.Boot.BootOptions.ID)
	if Is(err, NotFound, Unsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*gofish.BootOption
	for _, p := range paths {
		o := &gofish.BootOption{}
		_, err := b.conn.get(ctx, action, p, o)
		if Is(err, NotFound) { // it went while the list was read
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
