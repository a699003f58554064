package openshift

import (
	"encoding/json"
	"strings"

	v32 "github.com/coreos/ignition/v2/config/v3_2/types"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/ignition"
)

// hyperthreadingDisabled is what a pool says to have one thread per core.
const hyperthreadingDisabled = "Disabled"

// oneThread are the kernel arguments for that, on x86 and on POWER.
var oneThread = []string{"nosmt", "smt-enabled=off"}

// addMachineConfigs adds what the install-config says about the nodes' OS.
func addMachineConfigs(set *objects.Set, in Inputs) error {
	keys := sshKeys(in.Config.SSHKey)
	for _, pool := range pools(in.Config) {
		for _, want := range []struct {
			when bool
			what string
			user *v32.PasswdUser
			more objects.Object
		}{
			{len(keys) > 0, "ssh", &v32.PasswdUser{Name: "core", SSHAuthorizedKeys: keys}, nil},
			{in.Config.FIPS, "fips", nil, objects.Object{"fips": true}},
			{pool.Hyperthreading == hyperthreadingDisabled, "disable-hyperthreading", nil,
				objects.Object{"kernelArguments": oneThread}},
		} {
			if !want.when {
				continue
			}
			config := v32.Config{Ignition: v32.Ignition{Version: ignition.Version}}
			if want.user != nil {
				config.Passwd.Users = []v32.PasswdUser{*want.user}
			}
			raw, err := ignition.Encode(config)
			if err != nil {
				return err
			}
			name := "99-" + pool.Name + "-" + want.what
			set.Add("99_openshift-machineconfig_"+name+".yaml", machineConfig(name, pool.Name, raw, want.more))
		}
	}
	return nil
}

// machineConfig is plain data: the Go type would add an empty OS image, kernel
// type and lists.
func machineConfig(name, role string, config []byte, more objects.Object) objects.Object {
	spec := objects.Object{"config": json.RawMessage(config)}
	for key, value := range more {
		spec[key] = value
	}
	return objects.Object{
		"apiVersion": mcfgv1.GroupVersion.String(), "kind": "MachineConfig",
		"metadata": objects.Object{"name": name, "labels": objects.Object{mcfgv1.MachineConfigRoleLabelKey: role}},
		"spec":     spec,
	}
}

func sshKeys(text string) []v32.SSHAuthorizedKey {
	var keys []v32.SSHAuthorizedKey
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, v32.SSHAuthorizedKey(line))
		}
	}
	return keys
}
