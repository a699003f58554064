package assets

import (
	"fmt"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/ignition"
)

// ProvisionedBootstrap is bootstrap.ign for a bootstrap host that the installer
// itself makes. Such clusters have the ConfigMap openshift-install; those whose
// machines the user makes lack it, and tools tell them apart by that.
func (c Cluster) ProvisionedBootstrap() ([]byte, error) {
	text, err := objects.Render(openshift.InstallConfigMap("openshift-install", c.Invoker, c.Version))
	if err != nil {
		return nil, fmt.Errorf("render the record of the installer: %w", err)
	}
	return ignition.WithFile(c.Bootstrap, "/opt/openshift/manifests/openshift-install.yaml", 0o644, text)
}
