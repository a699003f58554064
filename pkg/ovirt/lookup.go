package ovirt

import (
	"context"

	ovirtsdk "github.com/ovirt/go-ovirt"
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

// Usable says whether disks can be put there.
func (s StorageDomain) Usable() bool {
	return s.Status == "active" || s.Status == "" && s.ExternalStatus == "ok"
}

// HoldsDisks says whether the domain is for the disks of machines.
func (s StorageDomain) HoldsDisks() bool { return s.Function == "" || s.Function == "data" }

// Block says whether disks are volumes there: raw ones cannot be thin then.
func (s StorageDomain) Block() bool { return s.Type == "iscsi" || s.Type == "fcp" }

// Host is a hypervisor.
type Host struct{ ID, Name, Address, Status, ClusterID string }

// Profile is a vNIC profile: a network as machines see it.
type Profile struct{ ID, Name, NetworkID string }

// Network is a logical network of a data centre.
type Network struct{ ID, Name, DataCenterID string }

// Version returns the engine's version.
func (c *Client) Version(ctx context.Context) (string, error) {
	return ask(ctx, c, "read engine version", func(s *session) (string, error) {
		var out string
		resp, err := s.api.Get().Send()
		if err != nil {
			return out, err
		}
		if api, ok := resp.Api(); ok {
			if info, ok := api.ProductInfo(); ok {
				if v, ok := info.Version(); ok {
					out, _ = v.FullVersion()
				}
			}
		}
		return out, nil
	})
}

// Clusters lists all clusters.
func (c *Client) Clusters(ctx context.Context) ([]Cluster, error) {
	return ask(ctx, c, "list clusters", func(s *session) ([]Cluster, error) {
		var out []Cluster
		resp, err := s.api.ClustersService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Clusters(); ok {
			for _, cl := range list.Slice() {
				out = append(out, clusterFrom(cl))
			}
		}
		return out, nil
	})
}

// GetCluster returns a cluster with its networks.
func (c *Client) GetCluster(ctx context.Context, id string) (Cluster, error) {
	return ask(ctx, c, "read cluster "+id, func(s *session) (Cluster, error) {
		var out Cluster
		service := s.api.ClustersService().ClusterService(id)
		resp, err := service.Get().Send()
		if err != nil {
			return out, err
		}
		if cl, ok := resp.Cluster(); ok {
			out = clusterFrom(cl)
		}
		nets, err := service.NetworksService().List().Send()
		if err != nil {
			return out, err
		}
		if list, ok := nets.Networks(); ok {
			for _, n := range list.Slice() {
				if id, ok := n.Id(); ok {
					out.NetworkIDs = append(out.NetworkIDs, id)
				}
			}
		}
		return out, nil
	})
}

func clusterFrom(cl *ovirtsdk.Cluster) Cluster {
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
	return ask(ctx, c, "read storage domain "+id, func(s *session) (StorageDomain, error) {
		var out StorageDomain
		resp, err := s.api.StorageDomainsService().StorageDomainService(id).Get().Send()
		if err != nil {
			return out, err
		}
		if sd, ok := resp.StorageDomain(); ok {
			out = storageFrom(sd)
		}
		return out, nil
	})
}

// StorageDomains lists all storage domains.
func (c *Client) StorageDomains(ctx context.Context) ([]StorageDomain, error) {
	return ask(ctx, c, "list storage domains", func(s *session) ([]StorageDomain, error) {
		var out []StorageDomain
		resp, err := s.api.StorageDomainsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.StorageDomains(); ok {
			for _, sd := range list.Slice() {
				out = append(out, storageFrom(sd))
			}
		}
		return out, nil
	})
}

func storageFrom(sd *ovirtsdk.StorageDomain) StorageDomain {
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
	return ask(ctx, c, "list hosts", func(s *session) ([]Host, error) {
		var out []Host
		resp, err := s.api.HostsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Hosts(); ok {
			for _, h := range list.Slice() {
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
				if host.ClusterID == clusterID {
					out = append(out, host)
				}
			}
		}
		return out, nil
	})
}

// Profiles lists all vNIC profiles.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	return ask(ctx, c, "list vNIC profiles", func(s *session) ([]Profile, error) {
		var out []Profile
		resp, err := s.api.VnicProfilesService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Profiles(); ok {
			for _, p := range list.Slice() {
				one := Profile{}
				one.ID, _ = p.Id()
				one.Name, _ = p.Name()
				if n, ok := p.Network(); ok {
					one.NetworkID, _ = n.Id()
				}
				out = append(out, one)
			}
		}
		return out, nil
	})
}

// Networks lists all logical networks.
func (c *Client) Networks(ctx context.Context) ([]Network, error) {
	return ask(ctx, c, "list networks", func(s *session) ([]Network, error) {
		var out []Network
		resp, err := s.api.NetworksService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Networks(); ok {
			for _, n := range list.Slice() {
				one := Network{}
				one.ID, _ = n.Id()
				one.Name, _ = n.Name()
				if dc, ok := n.DataCenter(); ok {
					one.DataCenterID, _ = dc.Id()
				}
				out = append(out, one)
			}
		}
		return out, nil
	})
}

// InstanceTypeExists says whether there is an instance type with that ID.
func (c *Client) InstanceTypeExists(ctx context.Context, id string) (bool, error) {
	err := c.read(ctx, "read instance type "+id, func(s *session) error {
		_, err := s.api.InstanceTypesService().InstanceTypeService(id).Get().Send()
		return err
	})
	if Is(err, NotFound) {
		return false, nil
	}
	return err == nil, err
}

// GetTag returns the tag with that ID.
func (c *Client) GetTag(ctx context.Context, id string) (Tag, error) {
	return ask(ctx, c, "read tag "+id, func(s *session) (Tag, error) {
		resp, err := s.api.TagsService().TagService(id).Get().Send()
		if err != nil {
			return Tag{}, err
		}
		t, ok := resp.Tag()
		if !ok {
			return Tag{}, &Error{Op: "read tag " + id, Kind: Broken, Detail: "the answer holds no tag"}
		}
		out := Tag{ID: id}
		out.Name, _ = t.Name()
		out.Description, _ = t.Description()
		return out, nil
	})
}
