package ovirt

import (
	"context"
	"slices"

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
type Network struct{ ID, Name, DataCenterID string }

// Version returns the engine's version.
func (c *Client) Version(ctx context.Context) (string, error) {
	resp, err := call(ctx, c, "read engine version", repeatable, func(e *engine) *sdk.SystemServiceGetRequest {
		return e.Get()
	})
	if err != nil {
		return "", err
	}
	var out string
	if api, ok := resp.Api(); ok {
		if info, ok := api.ProductInfo(); ok {
			if v, ok := info.Version(); ok {
				out, _ = v.FullVersion()
			}
		}
	}
	return out, nil
}

// Clusters lists all clusters.
func (c *Client) Clusters(ctx context.Context) ([]Cluster, error) {
	resp, err := call(ctx, c, "list clusters", repeatable, func(e *engine) *sdk.ClustersServiceListRequest {
		return e.ClustersService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Clusters()
	return all(list, ok, clusterFrom), nil
}

// GetCluster returns a cluster with its networks.
func (c *Client) GetCluster(ctx context.Context, id string) (Cluster, error) {
	op := "read cluster " + id
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.ClusterServiceGetRequest {
		return e.ClustersService().ClusterService(id).Get()
	})
	if err != nil {
		return Cluster{}, err
	}
	nets, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.ClusterNetworksServiceListRequest {
		return e.ClustersService().ClusterService(id).NetworksService().List()
	})
	if err != nil {
		return Cluster{}, err
	}
	cl, ok := resp.Cluster()
	out, err := one(op, cl, ok, clusterFrom)
	if list, ok := nets.Networks(); ok {
		for _, n := range list.Slice() {
			if id, ok := n.Id(); ok {
				out.NetworkIDs = append(out.NetworkIDs, id)
			}
		}
	}
	return out, err
}

func clusterFrom(cl *sdk.Cluster) Cluster {
	out := Cluster{}
	out.ID, _ = cl.Id()
	out.Name, _ = cl.Name()
	if dc, ok := cl.DataCenter(); ok {
		out.DataCenterID, _ = dc.Id()
	}
	if cpu, ok := cl.Cpu(); ok {
		out.CPUType, _ = cpu.Type()
	}
	return out
}

// GetStorageDomain returns the storage domain with that ID.
func (c *Client) GetStorageDomain(ctx context.Context, id string) (StorageDomain, error) {
	op := "read storage domain " + id
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.StorageDomainServiceGetRequest {
		return e.StorageDomainsService().StorageDomainService(id).Get()
	})
	if err != nil {
		return StorageDomain{}, err
	}
	sd, ok := resp.StorageDomain()
	return one(op, sd, ok, storageFrom)
}

// StorageDomains lists all storage domains.
func (c *Client) StorageDomains(ctx context.Context) ([]StorageDomain, error) {
	resp, err := call(ctx, c, "list storage domains", repeatable,
		func(e *engine) *sdk.StorageDomainsServiceListRequest {
			return e.StorageDomainsService().List()
		})
	if err != nil {
		return nil, err
	}
	list, ok := resp.StorageDomains()
	return all(list, ok, storageFrom), nil
}

func storageFrom(sd *sdk.StorageDomain) StorageDomain {
	out := StorageDomain{}
	out.ID, _ = sd.Id()
	out.Name, _ = sd.Name()
	if st, ok := sd.Storage(); ok {
		if t, ok := st.Type(); ok {
			out.Type = string(t)
		}
	}
	if t, ok := sd.Type(); ok {
		out.Function = string(t)
	}
	if s, ok := sd.Status(); ok {
		out.Status = string(s)
	}
	if s, ok := sd.ExternalStatus(); ok {
		out.ExternalStatus = string(s)
	}
	out.Available, _ = sd.Available()
	if list, ok := sd.DataCenters(); ok {
		for _, dc := range list.Slice() {
			if id, ok := dc.Id(); ok {
				out.DataCenters = append(out.DataCenters, id)
			}
		}
	}
	return out
}

// Hosts lists the hosts of a cluster.
func (c *Client) Hosts(ctx context.Context, clusterID string) ([]Host, error) {
	resp, err := call(ctx, c, "list hosts", repeatable, func(e *engine) *sdk.HostsServiceListRequest {
		return e.HostsService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Hosts()
	elsewhere := func(h Host) bool { return h.ClusterID != clusterID }
	return slices.DeleteFunc(all(list, ok, hostFrom), elsewhere), nil
}

func hostFrom(h *sdk.Host) Host {
	host := Host{}
	host.ID, _ = h.Id()
	host.Name, _ = h.Name()
	host.Address, _ = h.Address()
	if st, ok := h.Status(); ok {
		host.Status = string(st)
	}
	if cl, ok := h.Cluster(); ok {
		host.ClusterID, _ = cl.Id()
	}
	return host
}

// Profiles lists all vNIC profiles.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	resp, err := call(ctx, c, "list vNIC profiles", repeatable, func(e *engine) *sdk.VnicProfilesServiceListRequest {
		return e.VnicProfilesService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Profiles()
	return all(list, ok, profileFrom), nil
}

func profileFrom(p *sdk.VnicProfile) Profile {
	out := Profile{}
	out.ID, _ = p.Id()
	out.Name, _ = p.Name()
	if n, ok := p.Network(); ok {
		out.NetworkID, _ = n.Id()
	}
	return out
}

// Networks lists all logical networks.
func (c *Client) Networks(ctx context.Context) ([]Network, error) {
	resp, err := call(ctx, c, "list networks", repeatable, func(e *engine) *sdk.NetworksServiceListRequest {
		return e.NetworksService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Networks()
	return all(list, ok, networkFrom), nil
}

func networkFrom(n *sdk.Network) Network {
	out := Network{}
	out.ID, _ = n.Id()
	out.Name, _ = n.Name()
	if dc, ok := n.DataCenter(); ok {
		out.DataCenterID, _ = dc.Id()
	}
	return out
}

// InstanceTypeExists reports whether there is an instance type with that ID.
func (c *Client) InstanceTypeExists(ctx context.Context, id string) (bool, error) {
	err := ignore(call(ctx, c, "read instance type "+id, repeatable,
		func(e *engine) *sdk.InstanceTypeServiceGetRequest {
			return e.InstanceTypesService().InstanceTypeService(id).Get()
		}))
	if Is(err, NotFound) {
		return false, nil
	}
	return err == nil, err
}
