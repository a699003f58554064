// Package storage serves disks, storage domains and image transfers.
package storage

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// Routes lists what the package answers.
func Routes(on rest.Register) {
	domains := rest.Collection("storage_domains", allDomains, domainFields, domainXML)
	disks := rest.Collection("disks", allDisks, diskFields, DiskXML)
	on("GET", "/datacenters/{id}/storagedomains", domains)
	on("GET", "/storagedomains", domains)
	on("GET", "/storagedomains/{id}", rest.Show(domainOf, domainXML))
	on("GET", "/storagedomains/{id}/disks", disks)
	on("GET", "/storagedomains/{domain}/disks/{id}", rest.Show(diskOf, DiskXML))
	on("DELETE", "/storagedomains/{domain}/disks/{id}", rest.Act(diskOf, RemoveDisk))
	on("GET", "/disks", disks)
	on("POST", "/disks", rest.Create(AddDisk))
	on("GET", "/disks/{id}", rest.Show(diskOf, DiskXML))
	on("PUT", "/disks/{id}", rest.Change(diskOf, UpdateDisk))
	on("DELETE", "/disks/{id}", rest.Act(diskOf, RemoveDisk))
	on("POST", "/disks/{id}/copy", rest.Change(diskOf, copyDisk))
	on("GET", "/imagetransfers", listTransfers)
	on("POST", "/imagetransfers", rest.Create(addTransfer))
	on("GET", "/imagetransfers/{id}", rest.Show(transferOf, transferXML))
	on("POST", "/imagetransfers/{id}/finalize", rest.Act(transferOf, finalizeTransfer))
	on("POST", "/imagetransfers/{id}/cancel", rest.Act(transferOf, cancelTransfer))
	const transferring, byUser, bySystem = model.PhaseTransferring, model.PhasePausedUser, model.PhasePausedSystem
	on("POST", "/imagetransfers/{id}/pause", shift(byUser, transferring, byUser))
	on("POST", "/imagetransfers/{id}/resume", shift(transferring, byUser, bySystem, transferring))
	on("POST", "/imagetransfers/{id}/extend", shift(transferring, transferring))
}
