// Package compute serves VMs, with their hardware and their power, and
// templates.
package compute

import "github.com/okd-install/okd-install/pkg/lab/engine/rest"

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on("GET", "/templates", listTemplates)
	on("POST", "/templates", addTemplate)
	on("GET", "/templates/{id}", getTemplate)
	on("PUT", "/templates/{id}", updateTemplate)
	on("DELETE", "/templates/{id}", removeTemplate)
	on("GET", "/templates/{id}/diskattachments", listTemplateDisks)
	on("GET", "/templates/{id}/diskattachments/{disk}", getTemplateDisk)
	on("GET", "/templates/{id}/nics", listTemplateNICs)
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
