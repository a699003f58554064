// Package storage serves disks, storage domains and image transfers.
package storage

import "github.com/okd-install/okd-install/pkg/lab/engine/rest"

// Routes lists what the package answers.
func Routes(on rest.Register) {
	on("GET", "/datacenters/{id}/storagedomains", listDomains)
	on("GET", "/storagedomains", listDomains)
	on("GET", "/storagedomains/{id}", getDomain)
	on("GET", "/storagedomains/{id}/disks", listDisks)
	on("GET", "/storagedomains/{domain}/disks/{id}", getDisk)
	on("DELETE", "/storagedomains/{domain}/disks/{id}", RemoveDisk)
	on("GET", "/disks", listDisks)
	on("POST", "/disks", AddDisk)
	on("GET", "/disks/{id}", getDisk)
	on("PUT", "/disks/{id}", UpdateDisk)
	on("DELETE", "/disks/{id}", RemoveDisk)
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
