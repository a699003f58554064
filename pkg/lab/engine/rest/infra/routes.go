// Package infra serves what a data center consists of: clusters, hosts,
// networks with their profiles, instance types, affinity groups, tags and jobs.
package infra

import "github.com/okd-install/okd-install/pkg/lab/engine/rest"

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on("GET", "", getRoot)
	on("OPTIONS", "", getRoot)
	on("GET", "/jobs", listJobs)
	on("GET", "/jobs/{id}", getJob)
	on("GET", "/datacenters", listDataCenters)
	on("GET", "/datacenters/{id}", getDataCenter)
	on("GET", "/datacenters/{id}/clusters", listClusters)
	on("GET", "/datacenters/{id}/networks", listNetworks)
	on("GET", "/clusters", listClusters)
	on("GET", "/clusters/{id}", getCluster)
	on("GET", "/clusters/{id}/networks", listClusterNetworks)
	on("GET", "/hosts", listHosts)
	on("GET", "/hosts/{id}", getHost)
	on("GET", "/networks", listNetworks)
	on("GET", "/networks/{id}", getNetwork)
	on("GET", "/networks/{id}/vnicprofiles", listProfiles)
	on("GET", "/vnicprofiles", listProfiles)
	on("POST", "/vnicprofiles", addProfile)
	on("GET", "/vnicprofiles/{id}", getProfile)
	on("DELETE", "/vnicprofiles/{id}", removeProfile)
	on("GET", "/instancetypes", listInstanceTypes)
	on("GET", "/instancetypes/{id}", getInstanceType)
	on("GET", "/tags", listTags)
	on("POST", "/tags", addTag)
	on("GET", "/tags/{id}", getTag)
	on("PUT", "/tags/{id}", updateTag)
	on("DELETE", "/tags/{id}", removeTag)
	on("GET", "/clusters/{cluster}/affinitygroups", listGroups)
	on("POST", "/clusters/{cluster}/affinitygroups", addGroup)
	on("GET", "/clusters/{cluster}/affinitygroups/{id}", getGroup)
	on("PUT", "/clusters/{cluster}/affinitygroups/{id}", updateGroup)
	on("DELETE", "/clusters/{cluster}/affinitygroups/{id}", removeGroup)
	on("GET", "/clusters/{cluster}/affinitygroups/{id}/vms", listGroupVMs)
	on("POST", "/clusters/{cluster}/affinitygroups/{id}/vms", addGroupVM)
	on("DELETE", "/clusters/{cluster}/affinitygroups/{id}/vms/{vm}", removeGroupVM)
	on("GET", "/clusters/{cluster}/affinitygroups/{id}/hosts", listGroupHosts)
}
