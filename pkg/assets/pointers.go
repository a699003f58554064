package assets

import (
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

// pointers are the configs that the machines of each role start with, as the
// user left them.
var pointers = asset.From2("pointers", MasterIgnition, WorkerIgnition,
	func(_ asset.Env, master, worker asset.Files) (map[string][]byte, error) {
		return map[string][]byte{types.MasterPool: master[0].Data, types.WorkerPool: worker[0].Data}, nil
	}, asset.Transient())

// PointerConfigs are MachineConfigs with what the user added to the pointers,
// none if he added nothing.
var PointerConfigs = asset.From3("pointer-machineconfigs", Names, RootCA, pointers,
	func(_ asset.Env, n NameSet, ca pki.Pair, pointers map[string][]byte) (asset.Files, error) {
		var out asset.Files
		for role, current := range pointers {
			generated, err := ignition.Pointer(n.ignitionHost(), role, ca.Cert)
			if err != nil {
				return nil, err
			}
			files, err := openshift.PointerConfig(role, generated, current)
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
		}
		return out, nil
	})
