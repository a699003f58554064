package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

const workerLabel = "node-role.kubernetes.io/worker"

// Hardware asks the nodes that are to run VMs whether they can, before KubeVirt is deployed: afterwards KubeVirt says
// so itself, and nobody is asked. The selector are labels that nodes for VMs have besides that of workers. The warning
// says why nodes could not be asked; that does not keep VMs from running. The error names the nodes that cannot.
func (t Test) Hardware(ctx context.Context, selector map[string]string) (warning string, err error) {
	r := t.run()
	nodes, err := r.unproved(ctx, selector)
	if err != nil {
		return "the nodes were not asked whether they have /dev/kvm: " + kube.Cause(err), nil
	}
	if len(nodes) == 0 {
		return "", nil
	}
	hosts, err := t.Hosts(ctx, nodes, t.Options.ProbeImage)
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		return "the nodes were not asked whether they have /dev/kvm: " + kube.OneLine(err.Error()), nil
	}
	var why []string
	for _, h := range hosts {
		if text := h.Why(); text != "" {
			why = append(why, "node "+h.Node+": "+text)
		}
	}
	if len(why) == 0 {
		return "", nil
	}
	return "", exit.With(exit.Install, nested, fmt.Errorf("there is no /dev/kvm, and software emulation is not "+
		"allowed: %s", strings.Join(why, "; ")))
}

// unproved are the nodes for VMs that are Ready, none if KubeVirt is there.
func (r *run) unproved(ctx context.Context, selector map[string]string) ([]string, error) {
	var deployed virtv1.KubeVirtList
	if err := r.API.List(ctx, kubevirts, "", &deployed); err != nil && !kube.NotFound(err) {
		return nil, err
	}
	if len(deployed.Items) > 0 {
		return nil, nil
	}
	var list corev1.NodeList
	if err := r.API.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	var out []string
	for _, n := range list.Items {
		if _, worker := n.Labels[workerLabel]; worker && matches(n, selector) && isReady(n) {
			out = append(out, n.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func matches(n corev1.Node, selector map[string]string) bool {
	for k, v := range selector {
		if got, has := n.Labels[k]; !has || got != v {
			return false
		}
	}
	return true
}

func isReady(n corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}
