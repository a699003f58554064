package ovirt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// profileError says why no vNIC profile can be chosen.
type profileError struct {
	value, detail string
	missing       bool
}

func (e *profileError) Error() string {
	return fmt.Sprintf("choose a vNIC profile: %q: %s", e.value, e.detail)
}

func asProfile(err error, target **profileError) bool { return errors.As(err, target) }

// profile returns the ID of the vNIC profile for a machine: the one it names,
// if it belongs to a network of the cluster, else the only one of its network.
func (p *Provider) profile(ctx context.Context, vm plan.VM) (string, error) {
	return p.profiles.get(vm.ClusterID+"/"+vm.VNICProfileID+"/"+vm.Network, func() (string, error) {
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
		return choose(vm, cluster, profiles, networks)
	})
}

func choose(vm plan.VM, cluster api.Cluster, profiles []api.Profile, networks []api.Network) (string, error) {
	if vm.VNICProfileID != "" {
		for _, p := range profiles {
			if p.ID != vm.VNICProfileID {
				continue
			}
			if len(cluster.NetworkIDs) > 0 && !slices.Contains(cluster.NetworkIDs, p.NetworkID) {
				return "", &profileError{value: p.ID,
					detail: fmt.Sprintf("profile %s is of a network that cluster %s does not have", p.Name,
						cluster.Name)}
			}
			return p.ID, nil
		}
		return "", &profileError{value: vm.VNICProfileID, missing: true, detail: "the engine has the profiles " +
			list(profiles)}
	}
	var of []api.Profile
	known := false
	for _, n := range networks {
		if n.Name != vm.Network || len(cluster.NetworkIDs) > 0 && !slices.Contains(cluster.NetworkIDs, n.ID) {
			continue
		}
		known = true
		for _, p := range profiles {
			if p.NetworkID == n.ID {
				of = append(of, p)
			}
		}
	}
	switch {
	case !known:
		return "", &profileError{value: vm.Network, missing: true,
			detail: fmt.Sprintf("cluster %s has no network of this name", cluster.Name)}
	case len(of) == 0:
		return "", &profileError{value: vm.Network, detail: "the network has no vNIC profile"}
	case len(of) > 1:
		return "", &profileError{value: vm.Network,
			detail: "the network has several vNIC profiles; set platform.ovirt.vnicProfileID to one of " + list(of)}
	}
	return of[0].ID, nil
}

func list(profiles []api.Profile) string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.ID+" ("+p.Name+")")
	}
	return strings.Join(out, ", ")
}
