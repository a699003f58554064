package storage

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func allDomains(c *rest.Call) ([]*datacenter.KnownDomain, error) {
	return c.Layout.Domains, c.InCenter()
}

func domainOf(c *rest.Call) (*datacenter.KnownDomain, error) {
	if d := c.Layout.Domain(c.ID("id")); d != nil {
		return d, nil
	}
	return nil, refuse.NotFound()
}

func domainFields(c *rest.Call, d *datacenter.KnownDomain) search.Fields {
	return rest.Fields(map[string]string{
		"name": d.Name, "id": d.ID, "status": c.DomainStatus(d), "type": "data",
		"datacenter": c.Layout.Center.Name, "description": "", "comment": "",
	})
}

func domainXML(c *rest.Call, d *datacenter.KnownDomain) *api.StorageDomain {
	used, committed := c.Used(d.ID), int64(0)
	for _, disk := range c.State.Disks {
		if slices.Contains(disk.Domains, d.ID) {
			committed += disk.Size
		}
	}
	available := d.Size - used
	status := c.DomainStatus(d)
	base := rest.Href("storagedomains", d.ID)
	return &api.StorageDomain{
		Href: base, ID: d.ID, Name: &d.Name, Description: api.Ptr(""), Comment: api.Ptr(""), Available: &available,
		Committed: &committed, DataCenters: api.Some([]*api.Ref{api.To("datacenters", c.Layout.Center.ID)}),
		ExternalStatus: api.Ptr("ok"), Master: &d.Master, Status: &status, Storage: &api.Storage{Type: d.Type},
		StorageFormat: api.Ptr("v5"), Type: api.Ptr("data"), Used: &used,
		Links: rest.Links(base, "disks", "templates", "vms"),
	}
}
