package bmc

import (
	"net/http"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

// importPath is Dell's action for server configuration profiles.
func importPath(p vendor.Profile) string {
	return managerPath(p) + "/Actions/Oem/EID_674_Manager.ImportSystemConfiguration"
}

// importConfiguration takes the boot device of the next start from a server
// configuration profile, in a task.
func (b *BMC) importConfiguration(c *call) (answer, error) {
	known := []string{"ImportBuffer", "ShareParameters", "ShutdownType", "HostPowerState", "TimeToWait", "ExecutionMode"}
	if err := wire.Only(c.fields, vendor.UnknownParam, known...); err != nil {
		return answer{}, err
	}
	if err := wire.Need(c.fields, "ImportBuffer", "ShareParameters"); err != nil {
		return answer{}, err
	}
	text, _, err := wire.Field[string](c.fields, "ImportBuffer")
	if err != nil {
		return answer{}, err
	}
	share, _, err := wire.Field[wire.Fields](c.fields, "ShareParameters")
	if err != nil {
		return answer{}, err
	}
	if err := wire.Need(share, "Target"); err != nil {
		return answer{}, err
	}
	device, once, err := vendor.BootDevice(text, b.p.Manager)
	if err != nil {
		return answer{}, err
	}
	want := override{}
	switch {
	case device == "VCD-DVD":
		want = override{enabled: "Continuous", imported: true}
		if once {
			want.enabled = "Once"
		}
	case device != "Normal":
		return answer{}, vendor.Wrong(vendor.NotInList, "ImportBuffer", device)
	}
	return b.newTask("Import Configuration", func() error { return b.setOverride(b.life, want) }, http.StatusOK)
}
