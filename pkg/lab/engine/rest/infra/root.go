package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func getRoot(c *rest.Call) (any, error) {
	zero := 0
	sum := func(total, active int) api.Count { return api.Count{Active: active, Total: total} }
	running := 0
	for _, vm := range c.State.VMs {
		if vm.Status != model.VMDown && vm.Status != model.VMImageLocked {
			running++
		}
	}
	up := 0
	for _, h := range c.Layout.Hosts {
		if c.HostStatus(h) == datacenter.HostUp {
			up++
		}
	}
	return &api.Root{
		Links: rest.Links(api.Prefix, "clusters", "datacenters", "disks", "hosts", "imagetransfers", "instancetypes",
			"jobs", "networks", "storagedomains", "tags", "templates", "vms", "vnicprofiles"),
		ProductInfo: api.ProductInfo{Name: "oVirt Engine", Vendor: "ovirt.org", Version: api.Version{
			Major: 4, Minor: 5, Build: api.Ptr(7), Revision: &zero, FullVersion: "4.5.7-1.el9"}},
		Summary: api.Summary{
			Hosts: sum(len(c.Layout.Hosts), up), StorageDomains: sum(len(c.Layout.Domains), len(c.Layout.Domains)),
			Users: sum(len(c.Config.Users), 1), VMs: sum(len(c.State.VMs), running),
		},
		Time: rest.Stamp(c.Clock.Now()),
		User: &api.Ref{ID: c.Config.ID("user", c.User.Name), Name: &c.User.Name},
	}, nil
}
