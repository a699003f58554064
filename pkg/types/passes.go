package types

import (
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// The structs of an install-config take part in the passes of Load by
// implementing the interfaces below. A pass walks the config from the outside in
// and in the order of the fields, so every struct is told where it is.

// Converter brings old forms of what a struct holds into the current one. Where
// old and new form are both there and differ, that is a finding, and the new form
// counts.
type Converter interface{ Convert(at report.Field) }

// Defaulter fills in what the file leaves open in a struct, or in others of the
// config that depend on it. It judges nothing: that comes later.
type Defaulter interface {
	SetDefaults(c *InstallConfig, o Options)
}

// Validator adds what is wrong with a struct to the report. It changes nothing.
type Validator interface{ Validate(k Check) }

// Check is what a rule is given.
type Check struct {
	report.Field // where the struct is
	Config       *InstallConfig
	Options      Options
}

// decode reads the file and brings old forms into the current one. It returns
// nil if there is nothing to go on with.
func (o Options) decode(data []byte, r *report.Report) *InstallConfig {
	c := &InstallConfig{}
	others := &otherPlatforms{report: r, ours: o.platformNames()}
	known := decode.Into(c, data, decode.Options{
		AllowUnknown: o.AllowUnknown, Facts: FieldFacts, Keyed: o.keyed(), Elsewhere: others.key,
	}, r)
	if !known {
		return nil
	}
	others.conclude()
	c.Platform.choose(o.Platforms)
	decode.Walk(c, func(part any, at report.Path) {
		if p, ok := part.(Converter); ok {
			p.Convert(r.Field(at))
		}
	})
	return c
}

// setDefaults fills in what the file leaves open. Like the reference it makes up
// no hardware addresses: an install-config that is read twice is the same twice.
func (o Options) setDefaults(c *InstallConfig) {
	decode.Walk(c, func(part any, _ report.Path) {
		if p, ok := part.(Defaulter); ok {
			p.SetDefaults(c, o)
		}
	})
}

// validate adds everything that is wrong with a complete config.
func (o Options) validate(c *InstallConfig, r *report.Report) {
	decode.Walk(c, func(part any, at report.Path) {
		if p, ok := part.(Validator); ok {
			p.Validate(Check{Field: r.Field(at), Config: c, Options: o})
		}
	})
}
