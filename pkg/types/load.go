package types

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// Options configure how an install-config is read. The zero value has no platforms,
// refuses unknown keys, checks nothing against the host and looks nothing up.
type Options struct {
	// Platforms are those that the file can name. If it names several, which is an error,
	// messages are about the first of this list.
	Platforms []PlatformKind
	// AllowUnknown makes unknown keys warnings; they are ignored then.
	AllowUnknown bool
	// Host says whether the host that runs the installer is in FIPS mode.
	Host FIPSMode
	// SkipHostCrypt makes the mismatch of fips and Host a warning.
	SkipHostCrypt bool
	// Lookup returns the addresses of a name in DNS. It is called only if an
	// install-config leaves virtual addresses to DNS.
	Lookup func(host string) []netip.Addr
	// Agent says that hosts register themselves: the file need not list them, and fewer
	// platforms and sizes are possible.
	Agent bool
	// Stored says that the text is a copy that may lack the passwords of controllers.
	Stored bool
}

// FIPSMode is whether a host is restricted to the cryptography of FIPS 140.
type FIPSMode string

// Modes of a host.
const (
	FIPSUnknown FIPSMode = "" // nothing is checked
	FIPSOn      FIPSMode = "on"
	FIPSOff     FIPSMode = "off"
)

// Load decodes an install-config, fills in the defaults and validates the result. The
// path is only for messages. The config is nil if the report has failed.
func (o Options) Load(path string, data []byte) (*InstallConfig, *report.Report) {
	r := report.New(path)
	c := o.decode(data, r)
	r.Unread = r.Failed()
	if c == nil {
		return nil, r
	}
	o.setDefaults(c)
	o.validate(c, r)
	if r.Failed() {
		return nil, r
	}
	c.source = r
	return c, r
}

// The structs of an install-config implement the interfaces below to take part in the
// passes of Load. A pass visits outer structs first, in the order of the fields.

// Converter converts old forms of a struct's fields. If the old and the new form differ,
// that is a finding, and the new form counts.
type Converter interface{ Convert(at report.Field) }

// Defaulter fills in the defaults of a struct, and of others that depend on it. It adds
// no findings.
type Defaulter interface {
	SetDefaults(c *InstallConfig, o Options)
}

// Validator adds findings about a struct to the report. It changes nothing.
type Validator interface{ Validate(k Check) }

// Check is the parameter of a rule.
type Check struct {
	report.Field // where the struct is
	Config       *InstallConfig
	Options      Options
}

// decode reads the file and converts old forms. It returns nil if nothing can be checked.
func (o Options) decode(data []byte, r *report.Report) *InstallConfig {
	c := &InstallConfig{}
	others := &otherPlatforms{report: r, ours: o.supported()}
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

// setDefaults fills in the defaults. Like the reference it generates no hardware
// addresses, so reading a file twice gives the same config.
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
