// Package compute serves VMs, with their hardware and their power, and
// templates.
package compute

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on.Objects("/templates", templates)
	on("POST", "/templates", rest.Create(addTemplate))
	on("PUT", "/templates/{id}", rest.Change(templates.Find, updateTemplate))
	on("DELETE", "/templates/{id}", rest.Act(templates.Find, removeTemplate))
	on("GET", "/templates/{id}/diskattachments", rest.Parts("disk_attachments", templates.Find, templateDisks))
	on("GET", "/templates/{id}/diskattachments/{disk}", rest.Part("disk", templates.Find, templateDisks))
	on("GET", "/templates/{id}/nics", rest.Parts("nics", templates.Find, templateNICs))

	on.Objects("/vms", vms)
	on("POST", "/vms", rest.Create(addVM))
	on("PUT", "/vms/{id}", rest.Change(vmOf, updateVM))
	on("DELETE", "/vms/{id}", rest.Act(vmOf, removeVM))
	on("POST", "/vms/{id}/start", rest.Change(vmOf, startVM))
	on("POST", "/vms/{id}/stop", order((*datacenter.DataCenter).Stop))
	on("POST", "/vms/{id}/shutdown", order((*datacenter.DataCenter).Shutdown))
	on("POST", "/vms/{id}/reboot", order((*datacenter.DataCenter).Reset))
	on("POST", "/vms/{id}/reset", order((*datacenter.DataCenter).Reset))
	on("POST", "/vms/{id}/autopincpuandnumanodes", rest.Act(vmOf, pinVM))
	on("GET", "/vms/{id}/nics", rest.Parts("nics", vmOf, vmNICs))
	on("POST", "/vms/{id}/nics", rest.Change(vmOf, addNIC))
	on("GET", "/vms/{id}/nics/{nic}", rest.Part("nic", vmOf, vmNICs))
	on("PUT", "/vms/{id}/nics/{nic}", rest.Change(nicOf, updateNIC))
	on("DELETE", "/vms/{id}/nics/{nic}", rest.Act(nicOf, removeNIC))
	on("GET", "/vms/{id}/diskattachments", rest.Parts("disk_attachments", vmOf, vmAttachments))
	on("POST", "/vms/{id}/diskattachments", rest.Change(vmOf, addAttachment))
	on("GET", "/vms/{id}/diskattachments/{disk}", rest.Part("disk", vmOf, vmAttachments))
	on("PUT", "/vms/{id}/diskattachments/{disk}", rest.Change(attachmentOf, updateAttachment))
	on("DELETE", "/vms/{id}/diskattachments/{disk}", rest.Act(attachmentOf, removeAttachment))
	on("GET", "/vms/{id}/cdroms", rest.Parts("cdroms", vmOf, vmCDs))
	on("GET", "/vms/{id}/cdroms/{cdrom}", rest.Act(drive, showCD))
	on("PUT", "/vms/{id}/cdroms/{cdrom}", rest.Change(drive, changeCD))
	on("GET", "/vms/{id}/graphicsconsoles", rest.Parts("graphics_consoles", vmOf, vmConsoles))
	on("GET", "/vms/{id}/graphicsconsoles/{console}", rest.Part("console", vmOf, vmConsoles))
	on("DELETE", "/vms/{id}/graphicsconsoles/{console}", rest.Act(vmOf, removeConsole))
	on("GET", "/vms/{id}/reporteddevices", rest.Parts("reported_devices", vmOf, reported))
	on("GET", "/vms/{id}/tags", rest.Parts("tags", vmOf, vmTags))
	on("POST", "/vms/{id}/tags", rest.Change(vmOf, addVMTag))
	on("GET", "/vms/{id}/tags/{tag}", rest.Part("tag", vmOf, vmTags))
	on("DELETE", "/vms/{id}/tags/{tag}", rest.Act(vmOf, removeVMTag))
}
