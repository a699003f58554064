package wizard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

var ovirtPath = report.NewPath("platform", types.PlatformOvirt)

// askOvirt lets choose from what the engine has.
func (w *wizard) askOvirt(ctx context.Context) error {
	p := &types.OvirtPlatform{}
	w.config.Platform.Ovirt = p
	engine, err := w.engine(ctx)
	if err != nil {
		return err
	}
	cluster, err := w.cluster(ctx, engine)
	if err != nil {
		return err
	}
	p.ClusterID = cluster.ID
	if p.StorageDomainID, err = w.storageDomain(ctx, engine, cluster); err != nil {
		return err
	}
	if err := w.network(ctx, engine, cluster, p); err != nil {
		return err
	}
	if err := w.machineNetwork(ctx); err != nil {
		return err
	}
	return w.addresses(ctx, ovirtPath.Child("api_vips"), &p.APIVIPs, ovirtPath.Child("ingress_vips"), &p.IngressVIPs)
}

func (w *wizard) cluster(ctx context.Context, engine *ovirt.Client) (ovirt.Cluster, error) {
	list, err := engine.Clusters(ctx)
	if err != nil {
		return ovirt.Cluster{}, err
	}
	one, err := pick(ctx, w.Ask, Question{"Cluster", "The oVirt cluster whose hosts will run the VMs."}, list, 0, func(c ovirt.Cluster) string { return c.Name })
	if err != nil {
		return one, err
	}
	return engine.GetCluster(ctx, one.ID) // with its networks
}

func (w *wizard) storageDomain(ctx context.Context, engine *ovirt.Client, cluster ovirt.Cluster) (string, error) {
	all, err := engine.StorageDomains(ctx)
	if err != nil {
		return "", err
	}
	fit := slices.DeleteFunc(all, func(d ovirt.StorageDomain) bool {
		return !d.Usable() || !d.HoldsDisks() || len(d.DataCenters) > 0 && !slices.Contains(d.DataCenters, cluster.DataCenterID)
	})
	one, err := pick(ctx, w.Ask, Question{"Storage Domain", "Where the disks of the VMs are. Masters and workers have 120 GiB each unless told otherwise."}, fit, 0,
		func(d ovirt.StorageDomain) string {
			return fmt.Sprintf("%s (%s, %d GiB free)", d.Name, cmp.Or(d.Type, "unknown type"), d.Available>>30)
		})
	return one.ID, err
}

// usualNetwork is the network that every engine has, and the default of the file.
const usualNetwork = "ovirtmgmt"

// network asks for the network and, if machines can be in it in several ways,
// for the vNIC profile.
func (w *wizard) network(ctx context.Context, engine *ovirt.Client, cluster ovirt.Cluster, p *types.OvirtPlatform) error {
	networks, err := engine.Networks(ctx)
	if err != nil {
		return err
	}
	profiles, err := engine.Profiles(ctx)
	if err != nil {
		return err
	}
	of := func(n ovirt.Network) []ovirt.Profile {
		return slices.DeleteFunc(slices.Clone(profiles), func(p ovirt.Profile) bool { return p.NetworkID != n.ID })
	}
	fit := slices.DeleteFunc(networks, func(n ovirt.Network) bool {
		return !slices.Contains(cluster.NetworkIDs, n.ID) || len(of(n)) == 0
	})
	preset := slices.IndexFunc(sorted(fit, networkName), func(n ovirt.Network) bool { return n.Name == usualNetwork })
	network, err := pick(ctx, w.Ask, Question{"Network", "The network of the VMs. Only networks of the cluster with a vNIC profile are listed."}, fit, max(preset, 0), networkName)
	if err != nil {
		return err
	}
	p.NetworkName = network.Name
	choices := of(network)
	if len(choices) == 1 {
		return nil // the installer finds it by the network
	}
	profile, err := pick(ctx, w.Ask, Question{"vNIC Profile", "How the VMs are in the network. For virtualization inside the cluster it must not have the filter vdsm-no-mac-spoofing."}, choices, 0,
		func(p ovirt.Profile) string { return p.Name })
	p.VNICProfileID = profile.ID
	return err
}

func networkName(n ovirt.Network) string { return n.Name }

func sorted[T any](list []T, label func(T) string) []T {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(label(a), label(b)) })
	return list
}

// pick lets choose one of a list, by its labels in their order.
func pick[T any](ctx context.Context, ask Asker, q Question, list []T, preset int, label func(T) string) (T, error) {
	var none T
	if len(list) == 0 {
		return none, errors.New("the engine has nothing to choose as " + strings.ToLower(q.Message[:1]) + q.Message[1:])
	}
	var labels []string
	for _, item := range sorted(list, label) {
		labels = append(labels, printable(label(item)))
	}
	i, err := ask.Choose(ctx, q, labels, preset)
	if err != nil {
		return none, err
	}
	return list[i], nil
}

// printable keeps names that others gave from moving the cursor.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
}
