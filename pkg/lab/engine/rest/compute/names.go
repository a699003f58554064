package compute

import (
	"regexp"

	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

var isName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// checkName refuses what the engine does not take as a name of a VM or a
// template.
func checkName(action, kind, name string, longest int) error {
	switch {
	case name == "":
		return refuse.Invalid("Cannot %s. %s name may not be empty.", action, kind)
	case !isName.MatchString(name):
		return refuse.Invalid("Cannot %s. The given name contains special characters. Only lower-case and upper-case "+
			"letters, numbers, '_', '-', '.' are allowed.", action)
	case len(name) > longest:
		return refuse.Invalid("Cannot %s. %s name is too long: it cannot have more than %d characters.",
			action, kind, longest)
	}
	return nil
}
