package baremetal

import (
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
)

// Machines are hosts that the user boots; the installer cannot do it yet.
func Machines() machines.Platform {
	p := upi.OwnMachines(config.Name)
	p.VirtualAddresses = true
	p.Refusal = machines.Refusal{
		Text: "create cluster cannot provision bare-metal hosts yet: that comes with a later version of " +
			"this installer; nothing was created",
		Next: phase.Hint{
			Text:     "boot the hosts yourself with the files of `%s`; docs/user/upi.md has the whole way",
			Commands: []string{"create ignition-configs"},
		},
	}
	return p
}
