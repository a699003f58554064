// Package infra serves what a data center consists of: clusters, hosts,
// networks with their profiles, instance types, affinity groups, tags and jobs.
package infra

import "github.com/okd-install/okd-install/pkg/lab/engine/rest"

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on("GET", "", getRoot)
	on("OPTIONS", "", getRoot)
	on.Objects("/jobs", jobs)
	on.Objects("/instancetypes", sizes)
	on.Objects("/hosts", hosts)

	on.Objects("/datacenters", centers)
	on("GET", "/datacenters/{id}/clusters", clusters.List)
	on("GET", "/datacenters/{id}/networks", networks.List)
	on.Objects("/clusters", clusters)
	on("GET", "/clusters/{id}/networks", rest.Parts("networks", clusters.Find, clusterNetworks))
	on.Objects("/networks", networks)
	on("GET", "/networks/{id}/vnicprofiles", profiles.List)
	on.Objects("/vnicprofiles", profiles)
	on("POST", "/vnicprofiles", rest.Create(addProfile))
	on("DELETE", "/vnicprofiles/{id}", rest.Act(profiles.Find, removeProfile))

	on.Objects("/tags", tags)
	on("POST", "/tags", rest.Create(addTag))
	on("PUT", "/tags/{id}", rest.Change(tags.Find, updateTag))
	on("DELETE", "/tags/{id}", rest.Act(tags.Find, removeTag))

	const groups = "/clusters/{cluster}/affinitygroups"
	on("GET", groups, rest.Parts("affinity_groups", groupCluster, allGroups))
	on("POST", groups, rest.Change(groupCluster, addGroup))
	on("GET", groups+"/{id}", rest.Act(groupOf, showGroup))
	on("PUT", groups+"/{id}", rest.Change(groupOf, updateGroup))
	on("DELETE", groups+"/{id}", rest.Act(groupOf, removeGroup))
	on("GET", groups+"/{id}/vms", rest.Parts("vms", groupOf, groupVMs))
	on("POST", groups+"/{id}/vms", rest.Change(groupOf, addGroupVM))
	on("DELETE", groups+"/{id}/vms/{vm}", rest.Act(groupOf, removeGroupVM))
	on("GET", groups+"/{id}/hosts", rest.Parts("hosts", groupOf, groupHosts))
}
