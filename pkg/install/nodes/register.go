package nodes

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/types/values"
)

const (
	// manager owns the fields that this installer writes.
	manager = "okd-install"
	// machineNamespace has hosts and machines.
	machineNamespace = "openshift-machine-api"
)

var (
	provisionings = kube.Kind{Group: "metal3.io", Version: "v1alpha1", Plural: "provisionings"}
	bareHosts     = kube.Kind{Group: "metal3.io", Version: "v1alpha1", Plural: "baremetalhosts"}
	machineKind   = kube.Kind{Group: "machine.openshift.io", Version: "v1beta1", Plural: "machines"}
	machineSets   = kube.Kind{Group: "machine.openshift.io", Version: "v1beta1", Plural: "machinesets"}
)

// managesHosts reports whether the cluster looks after hosts with BMCs. Clusters elsewhere may have the kind of object,
// and nobody who looks at it.
func (c *cluster) managesHosts(ctx context.Context) (bool, error) {
	var ignored map[string]any
	err := c.api.Get(ctx, provisionings.Ref("", "provisioning-configuration"), &ignored)
	switch {
	case kube.NotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("ask for provisionings/provisioning-configuration: %s", kube.Cause(err))
	}
	return true, nil
}

// bareMetalHosts are those of the cluster, none where it has no such kind.
func (c *cluster) bareMetalHosts(ctx context.Context) ([]metal3.BareMetalHost, error) {
	var list metal3.BareMetalHostList
	err := c.api.List(ctx, bareHosts, machineNamespace, &list)
	if err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("list BareMetalHosts: %s", kube.Cause(err))
	}
	return list.Items, nil
}

// register tells the cluster's operators of hosts that have become nodes.
func (a *adding) register(ctx context.Context) {
	if !slices.ContainsFunc(a.hosts, a.unregistered) {
		return
	}
	fail := func(err error) {
		for _, h := range a.hosts {
			if a.unregistered(h) {
				h.failure = unregistered(err)
			}
		}
	}
	switch manages, err := a.managesHosts(ctx); {
	case err != nil:
		fail(err)
		return
	case !manages:
		return
	}
	hosts, err := a.bareMetalHosts(ctx)
	if err != nil {
		fail(err)
		return
	}
	list, err := a.nodes(ctx)
	if err != nil {
		fail(err)
		return
	}
	for _, h := range a.hosts {
		if a.unregistered(h) {
			if err := a.registerHost(ctx, h, hosts, byName(list, h.Hostname)); err != nil {
				h.failure = unregistered(err)
			}
		}
	}
}

func unregistered(err error) error {
	return exit.New("run the same command again",
		"it is a node, but the cluster's operators do not know the host: %w", err)
}

func (a *adding) unregistered(h *host) bool {
	return h.failure == nil && h.ready && h.group != nil && h.group.Objects != nil &&
		!slices.Contains(a.record.Done, h.Hostname)
}

func (a *adding) registerHost(
	ctx context.Context, h *host, hosts []metal3.BareMetalHost, node *corev1.Node,
) error {
	spare := false
	for _, b := range hosts {
		same := b.Name == h.Hostname || values.PlainMAC(b.Spec.BootMACAddress) == values.PlainMAC(h.BootMAC())
		switch {
		case same && b.Name == h.Hostname && b.Spec.ConsumerRef != nil && b.Spec.ExternallyProvisioned && isPaused(b):
			a.resume(ctx, b.Namespace, b.Name) // an earlier run was killed before it did
			return nil
		case same && b.Spec.ConsumerRef != nil: // the installation, an earlier run, or somebody else did it
			event.Debug(a.Sink, "the cluster has the host already", "host", b.Name)
			return nil
		case same && b.Name != h.Hostname:
			event.Warn(a.Sink, "The cluster knows host "+h.Hostname+" as BareMetalHost "+b.Name+"; nothing is changed there")
			return nil
		case same: // a spare one, which the cluster was to leave alone
			spare = true
		}
	}
	if node == nil {
		return fmt.Errorf("there is no node %s any more", h.Hostname)
	}
	objects, err := h.group.Objects(a.infraID, h.NodeHost, addressesOf(*node))
	if err != nil {
		return err
	}
	for _, o := range objects {
		ref := kube.Kind{Group: o.Group, Version: o.Version, Plural: o.Plural}.Ref(o.Namespace, o.Name)
		if err := a.api.Apply(ctx, ref, manager, o.Object); err != nil {
			return fmt.Errorf("write %s: %s", ref, kube.Cause(err))
		}
	}
	if spare { // not before the cluster has been told that it is not to provision the host
		a.resume(ctx, machineNamespace, h.Hostname)
	}
	event.Info(a.Sink, "The cluster has BareMetalHost and Machine of host "+h.Hostname)
	return nil
}

func isPaused(b metal3.BareMetalHost) bool {
	_, paused := b.Annotations[metal3.PausedAnnotation]
	return paused
}

// resume makes the cluster's operator look after a host.
func (a *adding) resume(ctx context.Context, namespace, name string) {
	patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{metal3.PausedAnnotation: nil}}}
	if err := a.api.Patch(ctx, bareHosts.Ref(namespace, name), "", patch); err != nil {
		event.Warn(a.Sink, "BareMetalHost "+name+" stays paused", "err", err)
	}
}

// addressesOf are the addresses of a node, in its order.
func addressesOf(n corev1.Node) []netip.Addr {
	var out []netip.Addr
	for _, a := range n.Status.Addresses {
		if ip, err := netip.ParseAddr(a.Address); err == nil && a.Type == corev1.NodeInternalIP {
			out = append(out, ip.Unmap())
		}
	}
	return out
}

// machineOf is the namespace and name of a node's machine, empty if it has none.
func machineOf(n corev1.Node) (namespace, name string) {
	namespace, name, _ = strings.Cut(n.Annotations["machine.openshift.io/machine"], "/")
	return namespace, name
}
