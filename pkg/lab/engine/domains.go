package engine

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func (e *Engine) domainXML(d worldDomain) *api.StorageDomain {
	used, committed := e.used(d.ID), int64(0)
	for _, disk := range e.st.Disks {
		if contains(disk.Domains, d.ID) {
			committed += disk.Size
		}
	}
	available := d.Size - used
	status := e.domainStatus(d)
	base := href("storagedomains", d.ID)
	return &api.StorageDomain{Href: base, ID: d.ID, Name: &d.Name, Description: api.Ptr(""), Comment: api.Ptr(""), Available: &available,
		Committed: &committed, DataCenters: api.Some([]*api.Ref{api.To("datacenters", e.world.center.ID)}), ExternalStatus: api.Ptr("ok"),
		Master: &d.Master, Status: &status, Storage: &api.Storage{Type: d.Type}, StorageFormat: api.Ptr("v5"), Type: api.Ptr("data"),
		Used: &used, Links: links(base, "disks", "templates", "vms")}
}

func listDomains(c *call) (any, error) {
	if err := inCenter(c); err != nil {
		return nil, err
	}
	all := make([]*worldDomain, len(c.world.domains))
	for i := range c.world.domains {
		all[i] = &c.world.domains[i]
	}
	hits, err := found(c, all, func(d *worldDomain) search.Fields {
		return fields(map[string][]string{"name": one(d.Name), "id": one(d.ID), "status": one(c.domainStatus(*d)), "type": one("data"),
			"datacenter": one(c.world.center.Name), "description": nil, "comment": nil})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.StorageDomain, len(hits))
	for i, d := range hits {
		out[i] = c.domainXML(*d)
	}
	return list("storage_domains", out)
}

func getDomain(c *call) (any, error) {
	d, ok := c.world.domain(c.id("id"))
	if !ok {
		return nil, notFound()
	}
	return c.domainXML(d), nil
}
