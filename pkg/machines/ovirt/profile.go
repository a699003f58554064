package ovirt

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/report"
)

// profileError is a finding that says why no vNIC profile can be chosen.
type profileError struct{ report.Finding }

func (e *profileError) Error() string {
	return fmt.Sprintf("choose a vNIC profile: %s: %s", e.Value, e.Detail)
}

func unfit(field, value string, kind report.Type, format string, args ...any) error {
	return &profileError{report.Finding{Path: platformPath.Child(field), Type: kind, Value: strconv.Quote(value),
		Detail: fmt.Sprintf(format, args...)}}
}

// profile returns the ID of the vNIC profile for a machine: the one it names, if it
// is of a network of the cluster, else the only one of its network.
func (p *Provider) profile(ctx context.Context, vm plan.VM) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := vm.ClusterID + "/" + vm.VNICProfileID + "/" + vm.Network
	if id, ok := p.profiles[key]; ok {
		return id, nil
	}
	cluster, err := p.Engine.GetCluster(ctx, vm.ClusterID)
	if err != nil {
		return "", err
	}
	profiles, err := p.Engine.Profiles(ctx)
	if err != nil {
		return "", err
	}
	networks, err := p.Engine.Networks(ctx)
	if err != nil {
		return "", err
	}
	id, err := choose(vm, cluster, profiles, networks)
	if err == nil {
		p.profiles[key] = id
	}
	return id, err
}

func choose(vm plan.VM, cluster api.Cluster, profiles []api.Profile, networks []api.Network) (string, error) {
	inCluster := func(network string) bool {
		return len(cluster.NetworkIDs) == 0 || slices.Contains(cluster.NetworkIDs, network)
	}
	if id := vm.VNICProfileID; id != "" {
		i := slices.IndexFunc(profiles, func(p api.Profile) bool { return p.ID == id })
		switch {
		case i < 0:
			return "", unfit("vnicProfileID", id, report.NotFound, "the engine has the profiles %s", listed(profiles))
		case !inCluster(profiles[i].NetworkID):
			return "", unfit("vnicProfileID", id, report.Invalid, "profile %s is of a network that cluster %s does not have",
				profiles[i].Name, cluster.Name)
		}
		return id, nil
	}
	var of []api.Profile
	known := false
	for _, n := range networks {
		if n.Name != vm.Network || !inCluster(n.ID) {
			continue
		}
		known = true
		for _, p := range profiles {
			if p.NetworkID == n.ID {
				of = append(of, p)
			}
		}
	}
	const field = "ovirt_network_name"
	switch {
	case !known:
		return "", unfit(field, vm.Network, report.NotFound, "cluster %s has no network of this name", cluster.Name)
	case len(of) == 0:
		return "", unfit(field, vm.Network, report.Invalid, "the network has no vNIC profile")
	case len(of) > 1:
		return "", unfit(field, vm.Network, report.Invalid,
			"the network has several vNIC profiles; set platform.ovirt.vnicProfileID to one of %s", listed(of))
	}
	return of[0].ID, nil
}

func listed(profiles []api.Profile) string {
	return choices(profiles, func(p api.Profile) (id, name string) { return p.ID, p.Name })
}
