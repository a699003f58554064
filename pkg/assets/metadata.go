package assets

import (
	"encoding/json"
	"fmt"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/types"
)

const metadataFile = "metadata.json"

// ClusterMetadata is what destroying the cluster needs to know.
var ClusterMetadata = asset.From4("metadata", Config, InfraID, ClusterID, KeepTemplate,
	func(_ asset.Env, c *types.InstallConfig, infraID, clusterID string, keepTemplate bool) (Metadata, error) {
		m := Metadata{ClusterName: c.Metadata.Name, ClusterID: clusterID, InfraID: infraID, FeatureSet: c.FeatureSet, CustomFeatureSet: c.FeatureGates}
		if p := c.Platform.Ovirt; p != nil {
			m.Ovirt = &OvirtMetadata{ClusterID: p.ClusterID, RemoveTemplate: !keepTemplate}
		}
		return m, nil
	})

// MetadataFile is metadata.json.
var MetadataFile = asset.From1(metadataFile, ClusterMetadata, func(_ asset.Env, m Metadata) (asset.Files, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return asset.Files{asset.NewFile(metadataFile, data)}, nil
})

// NodeSet is which nodes may join the cluster, and from where.
type NodeSet struct {
	Names    []string `json:"names"`
	Networks []string `json:"networks"`
}

// Nodes is kept in the state for commands that only wait for the cluster.
var Nodes = asset.From2("nodes", Config, Machines,
	func(_ asset.Env, c *types.InstallConfig, machines []Machine) (NodeSet, error) {
		var set NodeSet
		for _, m := range machines {
			set.Names = append(set.Names, m.Name)
		}
		for _, p := range c.Networking.MachineCIDRs() {
			set.Networks = append(set.Networks, p.String())
		}
		return set, nil
	})
