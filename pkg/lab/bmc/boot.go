package bmc

import (
	"context"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

// override is the boot setting that a client made.
type override struct {
	enabled string // empty: Disabled
	target  string
	// atHost: the host's firmware has been told; otherwise it looks where it always does.
	atHost bool
	// imported: it was made by a server configuration profile, and is not shown.
	imported bool
	// before is the order that a continuous override replaced.
	before []Source
}

// started follows a start of the host that the controller caused.
func (o *override) started() {
	if o.enabled == "Once" && !o.atHost {
		*o = override{}
	}
}

// bootReferences are the names of boot options.
var bootReferences = map[Source]string{Disk: "Boot0001", Media: "Boot0002", Network: "Boot0003"}

// current is the override as it is by now: the firmware has used up one for the next
// start when it has started.
func (b *BMC) current() override {
	host := b.cfg.Host.Boot()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.boot.enabled == "Once" && b.boot.atHost && host.Once == "":
		b.boot = override{}
	case b.boot.enabled == "" && host.Once == Media && len(b.p.Boot.Media) > 0:
		return override{enabled: "Once", target: b.p.Boot.Media[0], atHost: true} // set before the controller started
	}
	return b.boot
}

// bootBody is the property Boot.
func (b *BMC) bootBody() wire.Object {
	now := b.current()
	if now.enabled == "" || now.imported {
		now.enabled, now.target = "Disabled", "None"
	}
	order := []string{}
	for _, s := range b.cfg.Host.Boot().Order {
		order = append(order, bootReferences[s])
	}
	mode := b.bootMode()
	return wire.Object{
		"BootSourceOverrideEnabled": now.enabled, "BootSourceOverrideTarget": now.target, "BootSourceOverrideMode": mode,
		"BootSourceOverrideEnabled@Redfish.AllowableValues": []string{"Disabled", "Once", "Continuous"},
		"BootSourceOverrideTarget@Redfish.AllowableValues":  b.p.Boot.Targets,
		"BootSourceOverrideMode@Redfish.AllowableValues":    []string{mode},
		"BootOrder":   order,
		"BootOptions": wire.Link(systemPath(b.p) + "/BootOptions"),
	}
}

func (b *BMC) bootMode() string {
	if b.cfg.Host.Facts().UEFI {
		return "UEFI"
	}
	return "Legacy"
}

// The fields of Boot that can be changed.
const (
	fieldEnabled = "BootSourceOverrideEnabled"
	fieldTarget  = "BootSourceOverrideTarget"
	fieldMode    = "BootSourceOverrideMode"
	fieldOrder   = "BootOrder"
)

// patchBoot changes the boot settings.
func (b *BMC) patchBoot(c *call) (answer, error) {
	fields, there, err := wire.Field[wire.Fields](c.fields, "Boot")
	if err != nil {
		return answer{}, err
	}
	if !there || len(fields) == 0 {
		return answer{}, vendor.Wrong(vendor.Incomplete, "Boot")
	}
	b.mu.Lock()
	on := b.power.onAt
	b.mu.Unlock()
	if _, tests := b.since(on, b.p.Power.POST); tests && b.cfg.Host.Power() == On {
		return answer{}, vendor.Refuse(vendor.InPOST)
	}
	if err := wire.Only(fields, vendor.UnknownField, fieldEnabled, fieldTarget, fieldMode, fieldOrder); err != nil {
		return answer{}, err
	}
	want, err := b.wanted(fields)
	if err != nil {
		return answer{}, err
	}
	order, err := bootOrder(fields)
	if err != nil {
		return answer{}, err
	}
	if len(order) > 0 {
		if err := b.cfg.Host.SetBoot(c.Context(), Boot{Order: order, Once: b.cfg.Host.Boot().Once}); err != nil {
			return answer{}, err
		}
	}
	if want == nil {
		return noContent, nil
	}
	return noContent, b.setOverride(c.Context(), *want)
}

// wanted is the override that a request asks for; nil if it asks for none.
func (b *BMC) wanted(fields wire.Fields) (*override, error) {
	now := b.current()
	enabled, hasEnabled, err := wire.Field[string](fields, fieldEnabled)
	if err != nil {
		return nil, err
	}
	target, hasTarget, err := wire.Field[string](fields, fieldTarget)
	if err != nil {
		return nil, err
	}
	mode, hasMode, err := wire.Field[string](fields, fieldMode)
	switch {
	case err != nil:
		return nil, err
	case hasMode && mode != b.bootMode():
		return nil, vendor.Wrong(vendor.NotInList, fieldMode, mode)
	case hasEnabled && !slices.Contains([]string{"Disabled", "Once", "Continuous"}, enabled):
		return nil, vendor.Wrong(vendor.NotInList, fieldEnabled, enabled)
	case hasTarget && !slices.Contains(b.p.Boot.Targets, target):
		return nil, vendor.Wrong(vendor.NotInList, fieldTarget, target)
	case !hasEnabled && !hasTarget:
		return nil, nil
	}
	if b.p.Boot.Together && enabled != "Disabled" {
		for name, there := range map[string]bool{fieldEnabled: hasEnabled, fieldTarget: hasTarget, fieldMode: hasMode} {
			if !there {
				return nil, vendor.Wrong(vendor.Incomplete, name)
			}
		}
	}
	if !hasEnabled {
		if enabled = now.enabled; enabled == "" {
			enabled = "Once"
		}
	}
	if !hasTarget {
		target = now.target
	}
	if enabled == "Disabled" || target == "" || target == "None" {
		return &override{}, nil
	}
	return &override{enabled: enabled, target: target}, nil
}

func bootOrder(fields wire.Fields) ([]Source, error) {
	refs, there, err := wire.Field[[]string](fields, fieldOrder)
	if err != nil || !there {
		return nil, err
	}
	var order []Source
	for _, ref := range refs {
		for source, name := range bootReferences {
			if name == ref && !slices.Contains(order, source) {
				order = append(order, source)
			}
		}
	}
	if len(order) != len(refs) || len(order) == 0 {
		return nil, vendor.Wrong(vendor.NotInList, fieldOrder, string(fields[fieldOrder]))
	}
	return order, nil
}

// setOverride tells the host's firmware where to look, as far as it understands that.
func (b *BMC) setOverride(ctx context.Context, o override) error {
	var ignored bool
	var before []Source
	b.locked(func() { ignored, before = b.faults.ignoreOnce, b.boot.before })
	source := Source("")
	switch {
	case slices.Contains(b.p.Boot.Media, o.target) || o.imported:
		source = Media
	case o.target == "Hdd":
		source = Disk
	case o.target == "Pxe":
		source = Network
	}
	now := b.cfg.Host.Boot()
	set := Boot{Order: before} // back to what it was
	if len(before) > 0 {
		now.Order = before
	}
	switch {
	case source == "":
	case o.enabled == "Once" && !ignored:
		set.Once, o.atHost = source, true
	case o.enabled == "Continuous":
		o.before, o.atHost = now.Order, true
		set.Order = append([]Source{source}, slices.DeleteFunc(slices.Clone(now.Order),
			func(s Source) bool { return s == source })...)
	}
	if err := b.cfg.Host.SetBoot(ctx, set); err != nil {
		return err
	}
	b.locked(func() { b.boot = o })
	return nil
}
