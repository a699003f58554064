package openshift

import (
	"encoding/json"
	"maps"

	v32 "github.com/coreos/ignition/v2/config/v3_2/types"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/ignition"
)

// hyperthreadingDisabled is the value in a pool for one thread per core.
const hyperthreadingDisabled = "Disabled"

// oneThread are the kernel arguments for that, on x86 and on POWER.
var oneThread = []string{"nosmt", "smt-enabled=off"}

// addMachineConfigs adds the OS settings of the install-config for each pool.
func addMachineConfigs(set *objects.Set, in Inputs) {
	login := v32.Config{Ignition: v32.Ignition{Version: ignition.Version}}
	empty := login
	user := v32.PasswdUser{Name: "core"}
	for _, key := range in.Config.SSHKeys() {
		user.SSHAuthorizedKeys = append(user.SSHAuthorizedKeys, v32.SSHAuthorizedKey(key))
	}
	login.Passwd.Users = []v32.PasswdUser{user}
	for _, pool := range pools(in.Config) {
		add := func(what string, config v32.Config, more objects.Object) {
			raw, err := ignition.Encode(config)
			if err != nil {
				set.Fail(err)
			}
			name := "99-" + pool.Name + "-" + what
			set.Add("99_openshift-machineconfig_"+name+".yaml", machineConfig(name, pool.Name, raw, more))
		}
		if len(user.SSHAuthorizedKeys) > 0 {
			add("ssh", login, nil)
		}
		if in.Config.FIPS {
			add("fips", empty, objects.Object{"fips": true})
		}
		if pool.Hyperthreading == hyperthreadingDisabled {
			add("disable-hyperthreading", empty, objects.Object{"kernelArguments": oneThread})
		}
	}
}

// machineConfig is plain data: the Go type would add an empty OS image, kernel
// type and lists.
func machineConfig(name, role string, config []byte, more objects.Object) objects.Object {
	spec := objects.Object{"config": json.RawMessage(config)}
	maps.Copy(spec, more)
	return objects.Object{
		"apiVersion": mcfgv1.GroupVersion.String(), "kind": "MachineConfig",
		"metadata": objects.Object{"name": name, "labels": objects.Object{mcfgv1.MachineConfigRoleLabelKey: role}},
		"spec":     spec,
	}
}
