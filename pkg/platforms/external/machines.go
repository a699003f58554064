package external

import (
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/upi"
)

// Machines are the user's.
func Machines() machines.Platform { return upi.OwnMachines(Name) }
