package manifests

import (
	"github.com/okd-install/okd-install/pkg/assets/objects"
)

// Where OKD clusters look for updates.
const (
	updateChannel = "stable-scos-4"
	updateGraph   = "https://amd64.origin.releases.ci.openshift.org/graph"
)

// addVersion adds the ClusterVersion. It is plain data: the Go type would add
// lists that are null and a status that the API server refuses.
func addVersion(set *objects.Set, in Inputs) error {
	spec := objects.Object{"clusterID": in.ClusterID, "channel": updateChannel, "upstream": updateGraph}
	if caps := in.Config.Capabilities; caps != nil {
		selection := objects.Object{}
		if caps.BaselineCapabilitySet != "" {
			selection["baselineCapabilitySet"] = caps.BaselineCapabilitySet
		}
		if len(caps.AdditionalEnabledCapabilities) > 0 {
			selection["additionalEnabledCapabilities"] = caps.AdditionalEnabledCapabilities
		}
		spec["capabilities"] = selection
	}
	set.Add("cvo-overrides.yaml", objects.Object{
		"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion",
		"metadata": objects.Object{"name": "version"}, "spec": spec,
	})
	return nil
}
