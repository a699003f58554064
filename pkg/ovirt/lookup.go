package ovirt

import (
	"context"

	sdk "github.com/ovirt/go-ovirt"
)

// Cluster is a group of hosts.
type Cluster struct {
	ID, Name, DataCenterID string
	CPUType                string // the processor that all hosts have at least, in the engine's words
	NetworkIDs             []string
}

// StorageDomain is where disks are.
type StorageDomain struct {
	ID, Name, Type string // nfs, iscsi, fcp, ...
	Function       string // data, iso, export, ...; empty if the engine does not say
	Status         string // active; empty if not attached to a data centre
	ExternalStatus string
	Available      int64
	DataCenters    []string
}

// Usable reports whether disks can be put there.
func (s StorageDomain) Usable() bool {
	return s.Status == "active" || s.Status == "" && s.ExternalStatus == "ok"
}

// HoldsDisks reports whether the domain is for the disks of machines.
func (s StorageDomain) HoldsDisks() bool { return s.Function == "" || s.Function == "data" }

// Block reports whether disks are volumes there: raw ones cannot be thin then.
func (s StorageDomain) Block() bool { return s.Type == "iscsi" || s.Type == "fcp" }

// Host is a hypervisor.
type Host struct{ ID, Name, Address, Status, ClusterID string }

// Profile is a vNIC profile: a network as machines see it.
type Profile struct{ ID, Name, NetworkID string }

// Network is a logical network of a data centre.
type Network struct{ ID, Name string }

// Clusters lists all clusters.
func (c *Client) Clusters(ctx context.Context) ([]Cluster, error) {
	return call(ctx, c, "list clusters", repeatable, func(e *engine) *sdk.ClustersServiceListRequest {
		return e.ClustersService().List()
	}, all((*sdk.ClustersServiceListResponse).Clusters, clusterFrom))
}

// GetCluster returns a cluster with its networks.
func (c *Client) GetCluster(ctx context.Context, id string) (Cluster, error) {
	op := "read cluster " + id
	out, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.ClusterServiceGetRequest {
		return e.ClustersService().ClusterService(id).Get()
	}, one((*sdk.ClusterServiceGetResponse).Cluster, clusterFrom))
	if err != nil {
		return out, err
	}
	out.NetworkIDs, err = call(ctx, c, op, repeatable, func(e *engine) *sdk.ClusterNetworksServiceListRequest {
		return e.ClustersService().ClusterService(id).NetworksService().List()
	}, func(r *sdk.ClusterNetworksServiceListResponse) ([]string, bool) { return ids(r.Networks()), true })
	return out, err
}

func clusterFrom(cl *sdk.Cluster) Cluster {
	return Cluster{
		ID: val(cl.Id()), Name: val(cl.Name()), DataCenterID: val(part(cl.DataCenter()).Id()),
		CPUType: val(part(cl.Cpu()).Type()),
	}
}

// GetStorageDomain returns the storage domain with that ID.
func (c *Client) GetStorageDomain(ctx context.Context, id string) (StorageDomain, error) {
	return call(ctx, c, "read storage domain "+id, repeatable, func(e *engine) *sdk.StorageDomainServiceGetRequest {
		return e.StorageDomainsService().StorageDomainService(id).Get()
	}, one((*sdk.StorageDomainServiceGetResponse).StorageDomain, storageFrom))
}

// StorageDomains lists all storage domains.
func (c *Client) StorageDomains(ctx context.Context) ([]StorageDomain, error) {
	return call(ctx, c, "list storage domains", repeatable, func(e *engine) *sdk.StorageDomainsServiceListRequest {
		return e.StorageDomainsService().List()
	}, all((*sdk.StorageDomainsServiceListResponse).StorageDomains, storageFrom))
}

func storageFrom(sd *sdk.StorageDomain) StorageDomain {
	return StorageDomain{
		ID: val(sd.Id()), Name: val(sd.Name()), Type: string(val(part(sd.Storage()).Type())),
		Function: string(val(sd.Type())), Status: string(val(sd.Status())),
		ExternalStatus: string(val(sd.ExternalStatus())),
		Available:      val(sd.Available()), DataCenters: ids(sd.DataCenters()),
	}
}

// Hosts lists the hosts of a cluster.
func (c *Client) Hosts(ctx context.Context, clusterID string) ([]Host, error) {
	hosts, err := call(ctx, c, "list hosts", repeatable, func(e *engine) *sdk.HostsServiceListRequest {
		return e.HostsService().List()
	}, all((*sdk.HostsServiceListResponse).Hosts, func(h *sdk.Host) Host {
		return Host{
			ID: val(h.Id()), Name: val(h.Name()), Address: val(h.Address()), Status: string(val(h.Status())),
			ClusterID: val(part(h.Cluster()).Id()),
		}
	}))
	return only(hosts, func(h Host) bool { return h.ClusterID == clusterID }), err
}

// Profiles lists all vNIC profiles.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	return call(ctx, c, "list vNIC profiles", repeatable, func(e *engine) *sdk.VnicProfilesServiceListRequest {
		return e.VnicProfilesService().List()
	}, all((*sdk.VnicProfilesServiceListResponse).Profiles, func(p *sdk.VnicProfile) Profile {
		return Profile{ID: val(p.Id()), Name: val(p.Name()), NetworkID: val(part(p.Network()).Id())}
	}))
}

// Networks lists all logical networks.
func (c *Client) Networks(ctx context.Context) ([]Network, error) {
	return call(ctx, c, "list networks", repeatable, func(e *engine) *sdk.NetworksServiceListRequest {
		return e.NetworksService().List()
	}, all((*sdk.NetworksServiceListResponse).Networks, func(n *sdk.Network) Network {
		return Network{ID: val(n.Id()), Name: val(n.Name())}
	}))
}

// InstanceTypeExists reports whether there is an instance type with that ID.
func (c *Client) InstanceTypeExists(ctx context.Context, id string) (bool, error) {
	err := order(ctx, c, "read instance type "+id, repeatable, func(e *engine) *sdk.InstanceTypeServiceGetRequest {
		return e.InstanceTypesService().InstanceTypeService(id).Get()
	})
	return err == nil, gone(err)
}
