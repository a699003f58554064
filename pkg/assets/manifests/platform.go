package manifests

import (
	"encoding/json"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
)

// Platform is what a cluster is told about the place where its machines are.
type Platform struct {
	Spec   configv1.PlatformSpec
	Status configv1.PlatformStatus
	// MoreStatus are fields of the status that the linked API does not have. A
	// release without them passes over them.
	MoreStatus objects.Object
	// Config is the key platform of the install-config that operators read. It must
	// not hold logins: everybody in the cluster can read it.
	Config any
	// RoutersOnControlPlane keeps the routers from moving to workers.
	RoutersOnControlPlane bool
	// Add adds objects that only clusters on this platform have; nil for none.
	Add func(*objects.Set)
}

// Name is how the cluster's operators call the platform.
func (p Platform) Name() string { return strings.ToLower(string(p.Status.Type)) }

// complete adds to the infrastructure what the linked API does not have.
func (p Platform) complete(infra configv1.Infrastructure) (any, error) {
	if len(p.MoreStatus) == 0 {
		return infra, nil
	}
	raw, err := json.Marshal(infra)
	if err != nil {
		return nil, err
	}
	var object objects.Object
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	at := object
	for _, key := range []string{"status", "platformStatus", p.Name()} {
		at, _ = at[key].(map[string]any)
	}
	for key, value := range p.MoreStatus {
		at[key] = value
	}
	return object, nil
}
