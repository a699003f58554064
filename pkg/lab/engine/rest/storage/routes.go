// Package storage serves disks, storage domains and image transfers.
package storage

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on("GET", "/datacenters/{id}/storagedomains", domains.List)
	on.Objects("/storagedomains", domains)
	on("GET", "/storagedomains/{id}/disks", disks.List)
	on("GET", "/storagedomains/{domain}/disks/{id}", disks.Show)
	on("DELETE", "/storagedomains/{domain}/disks/{id}", rest.Act(disks.Find, RemoveDisk))
	on.Objects("/disks", disks)
	on("POST", "/disks", rest.Create(AddDisk))
	on("PUT", "/disks/{id}", rest.Change(disks.Find, UpdateDisk))
	on("DELETE", "/disks/{id}", rest.Act(disks.Find, RemoveDisk))
	on("POST", "/disks/{id}/copy", rest.Change(disks.Find, copyDisk))
	on("GET", "/imagetransfers", listTransfers)
	on("POST", "/imagetransfers", rest.Create(addTransfer))
	on("GET", "/imagetransfers/{id}", rest.Act(transferOf, showTransfer))
	on("POST", "/imagetransfers/{id}/finalize", rest.Act(transferOf, finalizeTransfer))
	on("POST", "/imagetransfers/{id}/cancel", rest.Act(transferOf, cancelTransfer))
	const transferring, byUser, bySystem = model.PhaseTransferring, model.PhasePausedUser, model.PhasePausedSystem
	on("POST", "/imagetransfers/{id}/pause", shift(byUser, transferring, byUser))
	on("POST", "/imagetransfers/{id}/resume", shift(transferring, byUser, bySystem, transferring))
	on("POST", "/imagetransfers/{id}/extend", shift(transferring, transferring))
}
