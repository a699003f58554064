package ovirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Wizard is what is asked about oVirt.
func Wizard() wizard.Platform {
	return wizard.Platform{Kind: config.Kind(), What: "VMs of an oVirt engine",
		Ask: func(ctx context.Context, s *wizard.Session) error { return (&questions{s}).ask(ctx) }}
}

// questions are those about oVirt in a round of questions.
type questions struct{ *wizard.Session }

// ask lets the person choose from what the engine has.
func (q *questions) ask(ctx context.Context) error {
	p := &config.Platform{}
	q.Draft.Platform.Settings = p
	engine, err := q.engine(ctx)
	if err != nil {
		return err
	}
	cluster, err := q.cluster(ctx, engine)
	if err != nil {
		return err
	}
	p.ClusterID = cluster.ID
	if p.StorageDomainID, err = q.storageDomain(ctx, engine, cluster); err != nil {
		return err
	}
	if err := q.network(ctx, engine, cluster, p); err != nil {
		return err
	}
	if err := q.MachineNetwork(ctx); err != nil {
		return err
	}
	return q.VIPs(ctx)
}

func (q *questions) cluster(ctx context.Context, engine *api.Client) (api.Cluster, error) {
	list, err := engine.Clusters(ctx)
	if err != nil {
		return api.Cluster{}, err
	}
	one, err := pick(ctx, q.Ask,
		wizard.Question{Message: "Cluster", Help: "The oVirt cluster whose hosts will run the VMs."},
		list, "", func(c api.Cluster) string { return c.Name })
	if err != nil {
		return one, err
	}
	return engine.GetCluster(ctx, one.ID) // with its networks
}

func (q *questions) storageDomain(ctx context.Context, engine *api.Client, cluster api.Cluster) (string, error) {
	all, err := engine.StorageDomains(ctx)
	if err != nil {
		return "", err
	}
	fit := slices.DeleteFunc(all, func(d api.StorageDomain) bool {
		elsewhere := len(d.DataCenters) > 0 && !slices.Contains(d.DataCenters, cluster.DataCenterID)
		return elsewhere || !d.Usable() || !d.HoldsDisks()
	})
	one, err := pick(ctx, q.Ask, wizard.Question{Message: "Storage Domain",
		Help: "Where the disks of the VMs are. Masters and workers have 120 GiB each unless told otherwise."}, fit, "",
		func(d api.StorageDomain) string {
			return fmt.Sprintf("%s (%s, %d GiB free)", d.Name, cmp.Or(d.Type, "unknown type"), d.Available>>30)
		})
	return one.ID, err
}

// usualNetwork is the network that every engine has, and the default of the file.
const usualNetwork = "ovirtmgmt"

// network asks for the network and, if it has several, for the vNIC profile.
func (q *questions) network(
	ctx context.Context, engine *api.Client, cluster api.Cluster, p *config.Platform,
) error {
	networks, err := engine.Networks(ctx)
	if err != nil {
		return err
	}
	profiles, err := engine.Profiles(ctx)
	if err != nil {
		return err
	}
	of := func(n api.Network) []api.Profile {
		return slices.DeleteFunc(slices.Clone(profiles), func(p api.Profile) bool { return p.NetworkID != n.ID })
	}
	fit := slices.DeleteFunc(networks, func(n api.Network) bool {
		return !slices.Contains(cluster.NetworkIDs, n.ID) || len(of(n)) == 0
	})
	network, err := pick(ctx, q.Ask, wizard.Question{Message: "Network",
		Help: "The network of the VMs. Only networks of the cluster with a vNIC profile are listed."},
		fit, usualNetwork, func(n api.Network) string { return n.Name })
	if err != nil {
		return err
	}
	p.NetworkName = network.Name
	choices := of(network)
	if len(choices) == 1 {
		return nil // the installer finds it by the network
	}
	profile, err := pick(ctx, q.Ask, wizard.Question{Message: "vNIC Profile",
		Help: "How the VMs are in the network. For virtualization inside the cluster it must not have the filter " +
			"vdsm-no-mac-spoofing."}, choices, "", func(p api.Profile) string { return p.Name })
	p.VNICProfileID = profile.ID
	return err
}

// pick lets choose one of a list, in the order of labels. The preset is proposed.
func pick[T any](
	ctx context.Context, ask wizard.Asker, q wizard.Question, list []T, preset string, label func(T) string,
) (T, error) {
	var none T
	if len(list) == 0 {
		return none, errors.New("the engine has nothing to choose as " + strings.ToLower(q.Message[:1]) + q.Message[1:])
	}
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(label(a), label(b)) })
	var labels []string
	for _, item := range list {
		labels = append(labels, printable(label(item)))
	}
	i, err := ask.Choose(ctx, q, labels, max(slices.Index(labels, preset), 0))
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
