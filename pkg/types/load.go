package types

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
)

// Options are what reading an install-config depends on besides the file. The
// zero value knows no platform, is strict about keys, knows nothing of the host
// and looks nothing up.
type Options struct {
	// Platforms are those that the file can name. If it names several, which is
	// wrong, messages are about the first one of these.
	Platforms []PlatformKind
	// AllowUnknown makes unknown keys warnings; they are ignored then.
	AllowUnknown bool
	// Host says whether the host that runs the installer is in FIPS mode.
	Host FIPSMode
	// SkipHostCrypt makes the mismatch of fips and Host a warning.
	SkipHostCrypt bool
	// Lookup returns the addresses that DNS has for a name, none if it has none.
	// It is asked only where an install-config leaves virtual addresses to DNS.
	Lookup func(host string) []netip.Addr
	// Agent says that the hosts register themselves, so that the install-config
	// need not have them.
	Agent bool
}

// FIPSMode is whether a host restricts itself to the cryptography of FIPS 140.
type FIPSMode string

// Modes of a host.
const (
	FIPSUnknown FIPSMode = "" // nothing is checked
	FIPSOn      FIPSMode = "on"
	FIPSOff     FIPSMode = "off"
)

// Load reads an install-config in three passes: it decodes the file, fills in
// the defaults, and validates the result. The path is only for messages. The
// config is nil if the report has failed.
func (o Options) Load(path string, data []byte) (*InstallConfig, *report.Report) {
	r := report.New(path)
	c := o.decode(data, r)
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
