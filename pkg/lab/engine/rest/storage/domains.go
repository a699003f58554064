package storage

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

var domains = rest.Collection[datacenter.KnownDomain]{
	Name: "storage_domains",
	All:  func(c *rest.Call) ([]*datacenter.KnownDomain, error) { return c.Layout.Domains, c.InCenter() },
	Find: func(c *rest.Call) (*datacenter.KnownDomain, error) { return rest.Known(c.Layout.Domain(c.ID("id"))) },
	Fields: func(c *rest.Call, d *datacenter.KnownDomain) search.Fields {
		return rest.Fields(map[string]string{
			"name": d.Name, "id": d.ID, "status": c.DomainStatus(d), "type": "data",
			"datacenter": c.Layout.Center.Name, "description": "", "comment": "",
		}, nil)
	},
	Document: domainXML,
}

func domainXML(c *rest.Call, d *datacenter.KnownDomain) *api.Element {
	used, committed := c.Used(d.ID), int64(0)
	for _, disk := range c.State.Disks {
		if slices.Contains(disk.Domains, d.ID) {
			committed += disk.Size
		}
	}
	return api.Object("storage_domain", "storagedomains", d.ID).Links("disks", "templates", "vms").
		Set("name", d.Name).Set("description", "").Set("comment", "").
		Set("available", d.Size-used).Set("committed", committed).
		Add(api.New("data_centers").Refer("data_center", "datacenters", c.Layout.Center.ID)).
		Set("external_status", "ok").Set("master", d.Master).Set("status", c.DomainStatus(d)).
		Add(api.New("storage").Set("type", d.Type)).Set("storage_format", "v5").Set("type", "data").Set("used", used)
}
