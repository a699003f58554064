package engine

import (
	"net/http"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
)

// newRoutes lists everything the engine answers.
func (e *Engine) newRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	on := func(method, path string, h handler) {
		mux.HandleFunc(method+" "+api.Prefix+path, e.api(h))
	}
	mux.HandleFunc("POST /ovirt-engine/sso/oauth/token", e.token)
	mux.HandleFunc("POST /ovirt-engine/services/sso-logout", e.logout)
	mux.HandleFunc("GET /ovirt-engine/services/pki-resource", e.pki)
	mux.HandleFunc("GET /ovirt-engine/services/health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("DB Up!Welcome to Health Status!"))
	})
	mux.HandleFunc("/ovirt-engine", e.portal)
	mux.HandleFunc("/ovirt-engine/", e.portal)
	mux.HandleFunc(api.Prefix+"/", e.api(func(*call) (any, error) { return nil, notFound() }))

	on("GET", "", getRoot)
	on("OPTIONS", "", getRoot)
	e.infraRoutes(on)
	e.diskRoutes(on)
	e.templateRoutes(on)
	e.vmRoutes(on)
	e.groupRoutes(on)
	return mux
}

type register func(method, path string, h handler)

func (e *Engine) infraRoutes(on register) {
	on("GET", "/jobs", listJobs)
	on("GET", "/jobs/{id}", getJob)
	on("GET", "/datacenters", listDataCenters)
	on("GET", "/datacenters/{id}", getDataCenter)
	on("GET", "/datacenters/{id}/clusters", listClusters)
	on("GET", "/datacenters/{id}/networks", listNetworks)
	on("GET", "/datacenters/{id}/storagedomains", listDomains)
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
}

func (e *Engine) diskRoutes(on register) {
	on("GET", "/storagedomains", listDomains)
	on("GET", "/storagedomains/{id}", getDomain)
	on("GET", "/storagedomains/{id}/disks", listDisks)
	on("GET", "/storagedomains/{domain}/disks/{id}", getDisk)
	on("DELETE", "/storagedomains/{domain}/disks/{id}", removeDisk)
	on("GET", "/disks", listDisks)
	on("POST", "/disks", addDisk)
	on("GET", "/disks/{id}", getDisk)
	on("PUT", "/disks/{id}", updateDisk)
	on("DELETE", "/disks/{id}", removeDisk)
	on("POST", "/disks/{id}/copy", copyDisk)
	on("GET", "/imagetransfers", listTransfers)
	on("POST", "/imagetransfers", addTransfer)
	on("GET", "/imagetransfers/{id}", getTransfer)
	on("POST", "/imagetransfers/{id}/finalize", finalizeTransfer)
	on("POST", "/imagetransfers/{id}/cancel", cancelTransfer)
	on("POST", "/imagetransfers/{id}/pause", pauseTransfer)
	on("POST", "/imagetransfers/{id}/resume", resumeTransfer)
	on("POST", "/imagetransfers/{id}/extend", extendTransfer)
}

func (e *Engine) templateRoutes(on register) {
	on("GET", "/templates", listTemplates)
	on("POST", "/templates", addTemplate)
	on("GET", "/templates/{id}", getTemplate)
	on("PUT", "/templates/{id}", updateTemplate)
	on("DELETE", "/templates/{id}", removeTemplate)
	on("GET", "/templates/{id}/diskattachments", listTemplateDisks)
	on("GET", "/templates/{id}/diskattachments/{disk}", getTemplateDisk)
	on("GET", "/templates/{id}/nics", listTemplateNICs)
}

func (e *Engine) vmRoutes(on register) {
	on("GET", "/vms", listVMs)
	on("POST", "/vms", addVM)
	on("GET", "/vms/{id}", getVM)
	on("PUT", "/vms/{id}", updateVM)
	on("DELETE", "/vms/{id}", removeVM)
	on("POST", "/vms/{id}/start", startVM)
	on("POST", "/vms/{id}/stop", stopVM)
	on("POST", "/vms/{id}/shutdown", shutdownVM)
	on("POST", "/vms/{id}/reboot", resetVM)
	on("POST", "/vms/{id}/reset", resetVM)
	on("POST", "/vms/{id}/autopincpuandnumanodes", pinVM)
	on("GET", "/vms/{id}/nics", listNICs)
	on("POST", "/vms/{id}/nics", addNIC)
	on("GET", "/vms/{id}/nics/{nic}", getNIC)
	on("PUT", "/vms/{id}/nics/{nic}", updateNIC)
	on("DELETE", "/vms/{id}/nics/{nic}", removeNIC)
	on("GET", "/vms/{id}/diskattachments", listAttachments)
	on("POST", "/vms/{id}/diskattachments", addAttachment)
	on("GET", "/vms/{id}/diskattachments/{disk}", getAttachment)
	on("PUT", "/vms/{id}/diskattachments/{disk}", updateAttachment)
	on("DELETE", "/vms/{id}/diskattachments/{disk}", removeAttachment)
	on("GET", "/vms/{id}/graphicsconsoles", listConsoles)
	on("GET", "/vms/{id}/graphicsconsoles/{console}", getConsole)
	on("DELETE", "/vms/{id}/graphicsconsoles/{console}", removeConsole)
	on("GET", "/vms/{id}/reporteddevices", listReportedDevices)
	on("GET", "/vms/{id}/tags", listVMTags)
	on("POST", "/vms/{id}/tags", addVMTag)
	on("GET", "/vms/{id}/tags/{tag}", getVMTag)
	on("DELETE", "/vms/{id}/tags/{tag}", removeVMTag)
}

func (e *Engine) groupRoutes(on register) {
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
