// Package ovirt is the platform ovirt: VMs of an oVirt engine, which the installer
// makes.
package ovirt

import (
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// Assets is what is generated for clusters on oVirt.
func Assets() assets.Platform {
	return assets.Platform{
		Kind: config.Kind(),
		// From 4.14 on no component serves oVirt any more, and its image registry would
		// wait forever for a storage class. BareMetal without a Provisioning object gives
		// what the nodes need: virtual addresses, load balancing and DNS.
		Cluster:  manifests.OnPrem,
		Metadata: metadata,
	}
}

// metadataOf is the reference's.
type metadataOf struct {
	ClusterID      string `json:"cluster_id"`
	RemoveTemplate bool   `json:"remove_template"`
}

func metadata(c *types.InstallConfig, m assets.MetadataInputs) any {
	return metadataOf{ClusterID: config.Of(c).ClusterID, RemoveTemplate: !m.KeepOSTemplate}
}
