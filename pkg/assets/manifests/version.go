package manifests

import (
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Where the cluster looks for updates. Until 4.22 all of OKD's releases were in
// one channel of CI's own graph; since 5.0 OKD has a service with channels by
// release, and from 5.1 on a cluster warns of the old one.
const (
	oldChannel = "stable-scos-4"
	oldService = "https://amd64.origin.releases.ci.openshift.org/graph"
	newService = "https://updates.okd.io/api/updates/graph"
)

// newest is the release that is assumed where only the image is known. In clusters of
// older releases the channel can be set later.
var newest = versions.Minor{Major: 5}

// updates are the channel and the service of a release.
func updates(version string) (channel, service string) {
	number, known := versions.MinorOf(version)
	if !known {
		number = newest
	}
	if number.Major < newest.Major {
		return oldChannel, oldService
	}
	return "stable-" + number.String(), newService
}

// addVersion adds the ClusterVersion, with the selected components and where updates
// come from.
func addVersion(set *objects.Set, in Inputs) {
	channel, service := updates(in.ReleaseVersion)
	spec := objects.Object{"clusterID": in.ClusterID, "channel": channel, "upstream": service}
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
}
