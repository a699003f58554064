package assets

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
)

const metadataFile = "metadata.json"

// Metadata is metadata.json, which has everything for destroying a cluster.
type Metadata struct {
	ClusterName string
	ClusterID   string // UUID
	InfraID     string
	// Platform is the name of the platform. In the file it is the key of PlatformData, so
	// it is empty in Metadata that was read from a file without such data.
	Platform string
	// PlatformData is the platform's own data about the cluster, if any.
	PlatformData     json.RawMessage
	FeatureSet       configv1.FeatureSet
	CustomFeatureSet *configv1.CustomFeatureGates
}

// The file begins and ends with the fields that are the same on all platforms.
type (
	metadataHead struct {
		ClusterName string `json:"clusterName"`
		ClusterID   string `json:"clusterID"`
		InfraID     string `json:"infraID"`
	}
	metadataTail struct {
		FeatureSet       configv1.FeatureSet          `json:"featureSet"`
		CustomFeatureSet *configv1.CustomFeatureGates `json:"customFeatureSet"`
	}
)

// MarshalJSON writes the fields in the order of openshift-install, which has the
// platform between them.
func (m Metadata) MarshalJSON() ([]byte, error) {
	parts := []any{metadataHead{m.ClusterName, m.ClusterID, m.InfraID}}
	if m.PlatformData != nil {
		parts = append(parts, map[string]json.RawMessage{m.Platform: m.PlatformData})
	}
	parts = append(parts, metadataTail{m.FeatureSet, m.CustomFeatureSet})
	out := []byte{'{'}
	for i, part := range parts {
		object, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, object[1:len(object)-1]...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON takes an unknown key for the platform's.
func (m *Metadata) UnmarshalJSON(raw []byte) error {
	var common struct {
		metadataHead
		metadataTail
	}
	var all map[string]json.RawMessage
	for _, part := range []any{&common, &all} {
		if err := json.Unmarshal(raw, part); err != nil {
			return err
		}
	}
	*m = Metadata{
		ClusterName: common.ClusterName, ClusterID: common.ClusterID, InfraID: common.InfraID,
		FeatureSet: common.FeatureSet, CustomFeatureSet: common.CustomFeatureSet,
	}
	for _, common := range []string{"clusterName", "clusterID", "infraID", "featureSet", "customFeatureSet"} {
		delete(all, common)
	}
	for name, data := range all {
		if len(data) > 0 && data[0] == '{' {
			m.Platform, m.PlatformData = name, data
		}
	}
	return nil
}

// ClusterMetadata is the content of metadata.json.
var ClusterMetadata = asset.From5("metadata", Config, InfraID, ClusterID, KeepTemplate, MachineIDs,
	func(
		_ asset.Env, in Input, infraID, clusterID string, keepTemplate bool, ids map[string]string,
	) (Metadata, error) {
		gates, err := openshift.CustomGates(in.FeatureGates)
		if err != nil {
			return Metadata{}, err
		}
		m := Metadata{
			ClusterName: in.Metadata.Name, ClusterID: clusterID, InfraID: infraID, Platform: in.On.Kind.Name,
			FeatureSet: configv1.FeatureSet(in.FeatureSet), CustomFeatureSet: gates,
		}
		if in.On.Metadata != nil {
			inputs := MetadataInputs{KeepOSTemplate: keepTemplate, MachineIDs: ids}
			m.PlatformData, err = json.Marshal(in.On.Metadata(in.InstallConfig, inputs))
		}
		return m, err
	})

// MachineIDs are the IDs of machines by their names, where the platform had them before the installation.
var MachineIDs = asset.Param[map[string]string]("machine-ids")

// KnowMachines writes the IDs of machines to metadata.json, by which destroying recognizes them.
func (i *Installer) KnowMachines(ctx context.Context, ids map[string]string) error {
	asset.Set(i.store, MachineIDs, ids)
	_, err := i.run(ctx, []asset.Ref{MetadataFile})
	return err
}

// PlatformName is the name of the platform, which metadata.json lacks on some platforms.
var PlatformName = asset.From1("platform", Config,
	func(_ asset.Env, in Input) (string, error) { return in.On.Kind.Name, nil })

// MetadataFile is metadata.json.
var MetadataFile = asset.From1(metadataFile, ClusterMetadata, func(_ asset.Env, m Metadata) (asset.Files, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return asset.Files{asset.NewFile(metadataFile, data)}, nil
})

// NodeSet is the names and networks of the nodes that may join the cluster.
type NodeSet struct {
	Names    []string       `json:"names"`
	Networks []netip.Prefix `json:"networks"`
}

// Nodes is stored for commands that only wait for the cluster.
var Nodes = asset.From2("nodes", Config, Machines,
	func(_ asset.Env, in Input, machines []Machine) (NodeSet, error) {
		set := NodeSet{Networks: in.Networking.MachineCIDRs()}
		for _, m := range machines {
			set.Names = append(set.Names, m.Name)
		}
		return set, nil
	})
