package storage

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func domainXML(c *rest.Call, d datacenter.KnownDomain) *api.StorageDomain {
	used, committed := c.Used(d.ID), int64(0)
	for _, disk := range c.State.Disks {
		if slices.Contains(disk.Domains, d.ID) {
			committed += disk.Size
		}
	}
	available := d.Size - used
	status := c.DomainStatus(d)
	base := rest.Href("storagedomains", d.ID)
	return &api.StorageDomain{Href: base, ID: d.ID, Name: &d.Name, Description: api.Ptr(""), Comment: api.Ptr(""), Available: &available,
		Committed: &committed, DataCenters: api.Some([]*api.Ref{api.To("datacenters", c.Layout.Center.ID)}), ExternalStatus: api.Ptr("ok"),
		Master: &d.Master, Status: &status, Storage: &api.Storage{Type: d.Type}, StorageFormat: api.Ptr("v5"), Type: api.Ptr("data"),
		Used: &used, Links: rest.Links(base, "disks", "templates", "vms")}
}

func listDomains(c *rest.Call) (any, error) {
	if err := c.InCenter(); err != nil {
		return nil, err
	}
	all := make([]*datacenter.KnownDomain, len(c.Layout.Domains))
	for i := range c.Layout.Domains {
		all[i] = &c.Layout.Domains[i]
	}
	hits, err := rest.Found(c, all, func(c *rest.Call, d *datacenter.KnownDomain) search.Fields {
		return rest.Fields(map[string][]string{"name": rest.One(d.Name), "id": rest.One(d.ID), "status": rest.One(c.DomainStatus(*d)), "type": rest.One("data"),
			"datacenter": rest.One(c.Layout.Center.Name), "description": nil, "comment": nil})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.StorageDomain, len(hits))
	for i, d := range hits {
		out[i] = domainXML(c, *d)
	}
	return rest.List("storage_domains", out)
}

func getDomain(c *rest.Call) (any, error) {
	d, ok := c.Layout.Domain(c.ID("id"))
	if !ok {
		return nil, refuse.NotFound()
	}
	return domainXML(c, d), nil
}
