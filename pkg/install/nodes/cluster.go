// Package nodes has the commands for the nodes of a cluster that runs: add, remove and list. Who has installed the
// cluster, and on which platform, does not matter.
package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
)

// cluster is the cluster that a command is about.
type cluster struct {
	*install.Env
	api     *kube.Client
	infraID string
	access  machines.Access

	mu      sync.Mutex
	leaving []string // system UUIDs of nodes that this run removes
}

var infrastructures = kube.Kind{Group: "config.openshift.io", Version: "v1", Plural: "infrastructures"}

// open finds out which cluster a kubeconfig is for, and what the directory knows of it.
func open(ctx context.Context, e *install.Env, kubeconfig string) (*cluster, error) {
	api, err := agent.DialNodes(e, kubeconfig)
	if err != nil {
		return nil, err
	}
	var infra configv1.Infrastructure
	if err := api.Get(ctx, infrastructures.Ref("", "cluster"), &infra); err != nil {
		return nil, exit.New("see that the API of the cluster answers, and that the user of the kubeconfig is an "+
			"administrator", "ask %s for the cluster's infrastructures/cluster: %s", api.URL(), kube.Cause(err))
	}
	c := &cluster{Env: e, api: api, infraID: infra.Status.InfrastructureName}
	if c.infraID == "" {
		return nil, exit.New("see that the installation of the cluster is complete",
			"infrastructures/cluster at %s has no infrastructureName", api.URL())
	}
	if c.access, err = e.AccessTo(c.infraID); err != nil {
		return nil, err
	}
	c.access.Node = c.isNode
	return c, nil
}

// nodes are those of the cluster, by name.
func (c *cluster) nodes(ctx context.Context) ([]corev1.Node, error) {
	var list corev1.NodeList
	if err := c.api.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, exit.New("see that the API of the cluster answers", "list the nodes at %s: %s", c.api.URL(),
			kube.Cause(err))
	}
	slices.SortFunc(list.Items, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// isNode reports whether a machine is a node of the cluster, or was one when this run began to remove it.
func (c *cluster) isNode(ctx context.Context, systemUUID string) (bool, error) {
	c.mu.Lock()
	known := slices.ContainsFunc(c.leaving, func(id string) bool { return strings.EqualFold(id, systemUUID) })
	c.mu.Unlock()
	if known {
		return true, nil
	}
	list, err := c.nodes(ctx)
	return byUUID(list, systemUUID) != nil, err
}

func byUUID(list []corev1.Node, systemUUID string) *corev1.Node {
	i := slices.IndexFunc(list, func(n corev1.Node) bool {
		return systemUUID != "" && strings.EqualFold(n.Status.NodeInfo.SystemUUID, systemUUID)
	})
	if i < 0 {
		return nil
	}
	return &list[i]
}

func byName(list []corev1.Node, name string) *corev1.Node {
	i := slices.IndexFunc(list, func(n corev1.Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// group is the machines of one platform that a command starts or ends.
type group struct {
	machines.Joins
	platform string
	joining  machines.Joining
	connect  machines.JoiningConnection
	plan     plan.Plan
}

// platformOf is the platform that has machines like a host.
func (c *cluster) platformOf(h typesagent.NodeHost) (machines.Platform, bool) {
	for _, p := range c.Platforms {
		if j := p.Machines.Joins; j != nil && j.Takes(h) {
			return p.Machines, true
		}
	}
	return machines.Platform{}, false
}

// open logs in to the platform of a group, which sends nothing to machines.
func (g *group) open(ctx context.Context, c *cluster, image plan.Image) (err error) {
	if g.plan, err = g.Plan(g.joining, image); err != nil {
		return err
	}
	g.connect, err = g.Connect(ctx, c.access, g.joining)
	return err
}

// closeLimit bounds what is done after an interruption: the user waits for the prompt.
const closeLimit = 15 * time.Second

// close ends the sessions with controllers, which have only a few.
func (c *cluster) close(ctx context.Context, groups []*group) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	var errs []error
	for _, g := range groups {
		if g.connect != nil {
			errs = append(errs, g.connect(c.Sink, nil).Close(ctx))
		}
	}
	if err := errors.Join(errs...); err != nil {
		event.Warn(c.Sink, "Not all sessions with the controllers of the hosts could be closed", "err", err)
	}
}

// called is a host for people: its name, and where its controller is.
func called(h typesagent.NodeHost) string {
	name := h.Hostname
	if name == "" && len(h.Interfaces) > 0 {
		name = h.Interfaces[0].MACAddress
	}
	if h.BMC == nil {
		return "host " + name
	}
	return fmt.Sprintf("host %s (BMC %s)", name, h.BMC.Address)
}
