package ignite

import (
	"path"

	"github.com/coreos/ignition/v2/config/v3_5/types"
)

// unitDir is where the administrator's units are.
const unitDir = "/etc/systemd/system"

// addUnit adds the files of a unit. The config was parsed by Ignition's own library, which
// refuses names that are not names of units.
func (p *Plan) addUnit(u types.Unit) {
	name := path.Join(unitDir, u.Name)
	if u.Contents != nil && !yes(u.Mask) {
		p.files = append(p.files, file{
			path: name, mode: 0o644, given: true, contents: []byte(*u.Contents), replaces: true, overwrite: true,
		})
	}
	for _, d := range u.Dropins {
		p.files = append(p.files, file{
			path: path.Join(name+".d", d.Name), mode: 0o644, given: true, contents: []byte(value(d.Contents)),
			replaces: true, overwrite: true,
		})
	}
	switch {
	case yes(u.Mask):
		p.links = append(p.links, link{path: name, target: "/dev/null", overwrite: true})
	case u.Enabled == nil:
	case *u.Enabled:
		p.enabled = append(p.enabled, u.Name)
	default:
		p.disabled = append(p.disabled, u.Name)
	}
}
