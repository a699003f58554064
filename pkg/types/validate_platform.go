package types

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

func (o Options) validatePlatform(c *InstallConfig, r *report.Report) {
	at := report.NewPath("platform")
	var set []string
	for name, is := range map[string]bool{
		PlatformOvirt: c.Platform.Ovirt != nil, PlatformBareMetal: c.Platform.BareMetal != nil,
		PlatformNone: c.Platform.None != nil, PlatformExternal: c.Platform.External != nil,
	} {
		if is {
			set = append(set, name)
		}
	}
	switch len(set) {
	case 0:
		r.Required(at, "set one of %s", strings.Join(PlatformNames(), ", "))
	case 1:
	default:
		r.Invalid(at, c.Platform.Name(), "only one platform may be set")
		return
	}
	if p := c.Platform.Ovirt; p != nil {
		validateOvirt(c, p, at.Child(PlatformOvirt), r)
	}
	if p := c.Platform.BareMetal; p != nil {
		o.validateBareMetal(c, p, at.Child(PlatformBareMetal), r)
	}
}
