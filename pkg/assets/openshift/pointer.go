package openshift

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// PointerFile is the name of the MachineConfig with a user's additions to the
// pointer config of a role.
func PointerFile(role string) string {
	return Dir + "/99_openshift-installer-ignition_" + role + ".yaml"
}

// PointerFiles are all names that PointerFile gives.
func PointerFiles() []string {
	return []string{PointerFile(types.MasterPool), PointerFile(types.ArbiterPool), PointerFile(types.WorkerPool)}
}

// PointerConfig returns the MachineConfig with what a user added to the pointer
// config of a role, so that machines which the cluster makes later, and updates
// of the first ones, have it as well. It returns nothing if the config says the
// same as the generated one; white space does not count.
func PointerConfig(role string, generated, current []byte) (asset.Files, error) {
	var was, is map[string]any
	if err := json.Unmarshal(generated, &was); err != nil {
		return nil, fmt.Errorf("parse the generated %s.ign: %w", role, err)
	}
	if err := json.Unmarshal(current, &is); err != nil {
		return nil, fmt.Errorf("parse %s.ign: %w", role, err)
	}
	if reflect.DeepEqual(was, is) {
		return nil, nil
	}
	// The machine config server must not refer machines to itself.
	if head, _ := is["ignition"].(map[string]any); head != nil {
		if config, _ := head["config"].(map[string]any); config != nil {
			delete(config, "merge")
			if len(config) == 0 {
				delete(head, "config")
			}
		}
	}
	config, err := json.Marshal(is)
	if err != nil {
		return nil, fmt.Errorf("encode %s.ign: %w", role, err)
	}
	text, err := objects.Render(machineConfig("99-installer-ignition-"+role, role, config, nil))
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", PointerFile(role), err)
	}
	return asset.Files{asset.NewFile(PointerFile(role), text)}, nil
}
