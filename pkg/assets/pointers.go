package assets

import (
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

const arbiterFile = "arbiter.ign"

// arbiters reports whether there are arbiters.
var arbiters = asset.From1("arbiters", Config, func(_ asset.Env, c Input) (bool, error) {
	return c.Arbiters() > 0, nil
}, asset.Transient())

// ArbiterIgnition is arbiter.ign, if the cluster has arbiters.
var ArbiterIgnition = asset.From3(arbiterFile, arbiters, Names, RootCA,
	func(_ asset.Env, wanted bool, n NameSet, ca pki.Pair) (asset.Files, error) {
		if !wanted {
			return nil, nil
		}
		return pointerFile(arbiterFile, types.ArbiterPool, n, ca)
	})

// pointers are the pointer configs by role, with the user's edits.
var pointers = asset.From3("pointers", MasterIgnition, WorkerIgnition, ArbiterIgnition,
	func(_ asset.Env, master, worker, arbiter asset.Files) (map[string][]byte, error) {
		out := map[string][]byte{}
		for role, files := range map[string]asset.Files{
			types.MasterPool: master, types.WorkerPool: worker, types.ArbiterPool: arbiter,
		} {
			if len(files) > 0 {
				out[role] = files[0].Data
			}
		}
		return out, nil
	}, asset.Transient())

// PointerConfigs are MachineConfigs with the user's additions to the pointers, if any.
var PointerConfigs = asset.From3("pointer-machineconfigs", Names, RootCA, pointers,
	func(_ asset.Env, n NameSet, ca pki.Pair, pointers map[string][]byte) (asset.Files, error) {
		var out asset.Files
		for _, role := range slices.Sorted(maps.Keys(pointers)) {
			generated, err := ignition.Pointer(n.ignitionHost(), role, ca.Cert)
			if err != nil {
				return nil, err
			}
			files, err := openshift.PointerConfig(role, generated, pointers[role])
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
		}
		return out, nil
	})
