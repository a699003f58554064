package hco

import (
	"context"
	"fmt"
	"maps"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// Cluster is what the operator takes from the cluster that it is in.
type Cluster struct {
	ControlPlanes, Arbiters, Workers int
	ControlPlaneArchs, WorkerArchs   []string
	BaseDomain                       string
	TLS                              *configv1.TLSSecurityProfile // of the API server
	Emulation                        bool                         // KVM_EMULATION of the Subscription
}

const (
	roleControlPlane = "node-role.kubernetes.io/control-plane"
	roleMaster       = "node-role.kubernetes.io/master"
	roleArbiter      = "node-role.kubernetes.io/arbiter"
	roleWorker       = "node-role.kubernetes.io/worker"
)

// ControlPlaneHigh reports whether the control plane survives the loss of a node.
func (c Cluster) ControlPlaneHigh() bool {
	return c.ControlPlanes >= 3 || c.ControlPlanes >= 2 && c.Arbiters >= 1
}

// InfrastructureHigh reports whether VMs can move: there are at least two workers.
func (c Cluster) InfrastructureHigh() bool { return c.Workers > 1 }

// ReadCluster looks at nodes, DNS and the API server's TLS profile; without OpenShift's kinds the latter are empty.
func ReadCluster(ctx context.Context, c *api.Client, workloads *sdk.NodePlacement) (Cluster, error) {
	var out Cluster
	nodes, err := control.All[corev1.Node](ctx, c, kube.Nodes, "")
	if err != nil {
		return out, err
	}
	if err := out.count(nodes, workloads); err != nil {
		return out, err
	}
	dns, err := control.FindAs[configv1.DNS](ctx, c, api.Config("dnses"), "", "cluster")
	if err != nil {
		return out, fmt.Errorf("read the base domain: %w", err)
	}
	if dns != nil {
		out.BaseDomain = dns.Spec.BaseDomain
	}
	server, err := control.FindAs[configv1.APIServer](ctx, c, api.Config("apiservers"), "", "cluster")
	if err != nil {
		return out, fmt.Errorf("read the TLS profile of the API server: %w", err)
	}
	if server != nil {
		out.TLS = server.Spec.TLSSecurityProfile
	}
	return out, nil
}

// count counts nodes by role. VMs run on workers, or where the HyperConverged says.
func (c *Cluster) count(nodes []corev1.Node, workloads *sdk.NodePlacement) error {
	planes, workers := map[string]bool{}, map[string]bool{}
	fits, err := matcher(workloads)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		arch := n.Status.NodeInfo.Architecture
		if has(n, roleControlPlane) || has(n, roleMaster) {
			c.ControlPlanes++
			planes[arch] = true
		}
		if has(n, roleArbiter) {
			c.Arbiters++
		}
		if has(n, roleWorker) {
			c.Workers++
		}
		if fits(n) {
			workers[arch] = true
		}
	}
	delete(planes, "")
	delete(workers, "")
	c.ControlPlaneArchs = slices.Sorted(maps.Keys(planes))
	c.WorkerArchs = slices.Sorted(maps.Keys(workers))
	return nil
}

func has(n corev1.Node, label string) bool {
	_, ok := n.Labels[label]
	return ok
}

// matcher reports for a node whether VMs may run there.
func matcher(p *sdk.NodePlacement) (func(corev1.Node) bool, error) {
	if p == nil || len(p.NodeSelector) == 0 && required(p) == nil {
		return func(n corev1.Node) bool { return has(n, roleWorker) }, nil
	}
	selectors := []labels.Selector{labels.SelectorFromSet(p.NodeSelector)}
	if r := required(p); r != nil {
		selectors = nil
		for _, term := range r.NodeSelectorTerms {
			s, err := termSelector(term)
			if err != nil {
				return nil, err
			}
			selectors = append(selectors, s)
		}
	}
	return func(n corev1.Node) bool {
		l := labels.Set(n.Labels)
		return labels.SelectorFromSet(p.NodeSelector).Matches(l) &&
			slices.ContainsFunc(selectors, func(s labels.Selector) bool { return s.Matches(l) })
	}, nil
}

// required are the node terms of a placement, nil if there are none.
func required(p *sdk.NodePlacement) *corev1.NodeSelector {
	if p == nil || p.Affinity == nil || p.Affinity.NodeAffinity == nil {
		return nil
	}
	return p.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn: selection.In, corev1.NodeSelectorOpNotIn: selection.NotIn,
	corev1.NodeSelectorOpExists: selection.Exists, corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt: selection.GreaterThan, corev1.NodeSelectorOpLt: selection.LessThan,
}

// termSelector is a term as a selector of labels.
func termSelector(term corev1.NodeSelectorTerm) (labels.Selector, error) {
	if len(term.MatchExpressions) == 0 {
		return labels.Nothing(), nil
	}
	s := labels.NewSelector()
	for _, e := range term.MatchExpressions {
		op, ok := operators[e.Operator]
		if !ok {
			return nil, fmt.Errorf("%q is not a valid node selector operator", e.Operator)
		}
		r, err := labels.NewRequirement(e.Key, op, e.Values)
		if err != nil {
			return nil, err
		}
		s = s.Add(*r)
	}
	return s, nil
}
