// Package infra serves what a data center consists of: clusters, hosts,
// networks with their profiles, instance types, affinity groups, tags and jobs.
package infra

import "github.com/okd-install/okd-install/pkg/lab/engine/rest"

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on("GET", "", getRoot)
	on("OPTIONS", "", getRoot)
	on("GET", "/jobs", rest.Collection("jobs", allJobs, jobFields, jobXML))
	on("GET", "/jobs/{id}", rest.Show(jobOf, jobXML))
	on("GET", "/instancetypes", rest.Collection("instance_types", allSizes, sizeFields, sizeXML))
	on("GET", "/instancetypes/{id}", rest.Show(sizeOf, sizeXML))
	on("GET", "/hosts", rest.Collection("hosts", allHosts, hostFields, hostXML))
	on("GET", "/hosts/{id}", rest.Show(hostOf, hostXML))

	clusters := rest.Collection("clusters", allClusters, centerFields, clusterXML)
	networks := rest.Collection("networks", allNetworks, centerFields, networkXML)
	profiles := rest.Collection("vnic_profiles", allProfiles, profileFields, profileXML)
	on("GET", "/datacenters", rest.Collection("data_centers", allCenters, centerFields, centerXML))
	on("GET", "/datacenters/{id}", rest.Show(centerOf, centerXML))
	on("GET", "/datacenters/{id}/clusters", clusters)
	on("GET", "/datacenters/{id}/networks", networks)
	on("GET", "/clusters", clusters)
	on("GET", "/clusters/{id}", rest.Show(clusterOf, clusterXML))
	on("GET", "/clusters/{id}/networks", rest.Parts("networks", clusterOf, clusterNetworks))
	on("GET", "/networks", networks)
	on("GET", "/networks/{id}", rest.Show(networkOf, networkXML))
	on("GET", "/networks/{id}/vnicprofiles", profiles)
	on("GET", "/vnicprofiles", profiles)
	on("POST", "/vnicprofiles", rest.Create(addProfile))
	on("GET", "/vnicprofiles/{id}", rest.Show(profileOf, profileXML))
	on("DELETE", "/vnicprofiles/{id}", rest.Act(profileOf, removeProfile))

	on("GET", "/tags", rest.Collection("tags", allTags, tagFields, TagXML))
	on("POST", "/tags", rest.Create(addTag))
	on("GET", "/tags/{id}", rest.Show(tagOf, TagXML))
	on("PUT", "/tags/{id}", rest.Change(tagOf, updateTag))
	on("DELETE", "/tags/{id}", rest.Act(tagOf, removeTag))

	const groups = "/clusters/{cluster}/affinitygroups"
	on("GET", groups, rest.Parts("affinity_groups", groupCluster, allGroups))
	on("POST", groups, rest.Change(groupCluster, addGroup))
	on("GET", groups+"/{id}", rest.Show(groupOf, groupXML))
	on("PUT", groups+"/{id}", rest.Change(groupOf, updateGroup))
	on("DELETE", groups+"/{id}", rest.Act(groupOf, removeGroup))
	on("GET", groups+"/{id}/vms", rest.Parts("vms", groupOf, groupVMs))
	on("POST", groups+"/{id}/vms", rest.Change(groupOf, addGroupVM))
	on("DELETE", groups+"/{id}/vms/{vm}", rest.Act(groupOf, removeGroupVM))
	on("GET", groups+"/{id}/hosts", rest.Parts("hosts", groupOf, groupHosts))
}
