package manifests

import (
	"encoding/json"
	"maps"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
)

// Platform is what a cluster is told about the place where its machines are.
type Platform struct {
	Spec   configv1.PlatformSpec
	Status configv1.PlatformStatus
	// MoreStatus is fields of the status that the linked API does not have. Releases
	// without them ignore them.
	MoreStatus objects.Object
	// Config is the platform in the install-config that operators read. It must not
	// hold logins: everybody in the cluster can read it.
	Config any
	// RoutersOnControlPlane keeps the routers from moving to workers.
	RoutersOnControlPlane bool
	// Add adds objects that only clusters on this platform have; nil for none.
	Add func(*objects.Set)
}

// Name is what the cluster's operators call the platform.
func (p Platform) Name() string { return strings.ToLower(string(p.Status.Type)) }

// complete adds the fields that the linked API does not have to the infrastructure's
// status.
func (p Platform) complete(status configv1.InfrastructureStatus) (any, error) {
	if len(p.MoreStatus) == 0 {
		return status, nil
	}
	raw, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	var object objects.Object
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	platform, _ := object["platformStatus"].(map[string]any)
	own, _ := platform[p.Name()].(map[string]any)
	maps.Copy(own, p.MoreStatus)
	return object, nil
}
