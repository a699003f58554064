package assets

import (
	"encoding/json"
	"fmt"
	"net/netip"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/types"
)

const metadataFile = "metadata.json"

// ClusterMetadata is what destroying the cluster needs to know.
var ClusterMetadata = asset.From4("metadata", Config, InfraID, ClusterID, KeepTemplate,
	func(_ asset.Env, c *types.InstallConfig, infraID, clusterID string, keepTemplate bool) (Metadata, error) {
		gates, err := openshift.CustomGates(c.FeatureGates)
		if err != nil {
			return Metadata{}, err
		}
		m := Metadata{
			ClusterName: c.Metadata.Name, ClusterID: clusterID, InfraID: infraID,
			FeatureSet: configv1.FeatureSet(c.FeatureSet), CustomFeatureSet: gates,
		}
		switch p := c.Platform; {
		case p.Ovirt != nil:
			m.Ovirt = &OvirtMetadata{ClusterID: p.Ovirt.ClusterID, RemoveTemplate: !keepTemplate}
		case p.BareMetal != nil:
			m.BareMetal = &BareMetalMetadata{
				LibvirtURI:              p.BareMetal.LibvirtURI,
				BootstrapProvisioningIP: addressOrNone(p.BareMetal.BootstrapProvisioningIP),
				ProvisioningHostIP:      addressOrNone(p.BareMetal.ClusterProvisioningIP),
			}
		}
		return m, nil
	})

func addressOrNone(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}

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
