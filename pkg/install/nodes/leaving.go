package nodes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/secret"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
)

// readNodes reads nodes-config.yaml, if there is one.
func readNodes(e *install.Env) (*typesagent.NodesConfig, error) {
	if _, err := os.Stat(e.Path(typesagent.NodesFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return agent.ReadNodes(e)
}

// machine is the group of one machine, that of a node, and how it is reached; nil if that is not known.
func (r *removing) machine(n corev1.Node) (*group, typesagent.NodeHost, error) {
	h := typesagent.NodeHost{Hostname: n.Name}
	if i := slices.IndexFunc(r.known, func(h typesagent.NodeHost) bool { return h.Hostname == n.Name }); i >= 0 {
		h = r.known[i]
	}
	p, has := r.platformOf(h)
	if !has {
		if p, has = r.ownPlatform(); !has {
			return nil, h, nil
		}
	}
	uuid := n.Status.NodeInfo.SystemUUID
	if uuid == "" && n.UID != "" {
		return nil, h, exit.New("switch it off by hand; --force removes the node nevertheless",
			"%s: its node has not said which machine it is (systemUUID)", called(h))
	}
	return &group{Joins: *p.Joins, platform: p.Name, joining: machines.Joining{
		InfraID: r.infraID, Config: r.access.Config, BMCVerifyCA: r.authorities(),
		Machines: []machines.JoiningMachine{{Host: h, UUID: uuid}},
	}}, h, nil
}

// authorities are those that nodes-config.yaml has for BMCs.
func (r *removing) authorities() string {
	config, err := readNodes(r.Env)
	if err != nil {
		return ""
	}
	return config.BMCVerifyCA
}

// ownPlatform is that of the directory's cluster, if machines are found there by their UUID.
func (r *removing) ownPlatform() (machines.Platform, bool) {
	if r.access.Config == nil {
		return machines.Platform{}, false
	}
	p, err := r.Platforms.Find(r.access.Config.Platform.Name())
	return p, err == nil && p.Joins != nil && p.Joins.ByUUID
}

// ofCluster are the hosts with BMCs that the cluster's operators look after, by the names of their nodes.
func (r *removing) ofCluster(ctx context.Context) ([]typesagent.NodeHost, error) {
	hosts, err := r.bareMetalHosts(ctx)
	if err != nil || len(hosts) == 0 {
		return nil, err
	}
	nodes, err := r.nodes(ctx)
	if err != nil {
		return nil, err
	}
	var out []typesagent.NodeHost
	for _, b := range hosts {
		if b.Spec.BMC.Address == "" || b.Spec.BMC.CredentialsName == "" {
			continue
		}
		h := typesagent.NodeHost{Hostname: cmp.Or(nodeOf(b, nodes), b.Name), BootMACAddress: b.Spec.BootMACAddress}
		var login corev1.Secret
		if err := r.api.Get(ctx, kube.Secrets.Ref(b.Namespace, b.Spec.BMC.CredentialsName), &login); err != nil {
			return out, fmt.Errorf("read the login of BareMetalHost %s: %s", b.Name, kube.Cause(err))
		}
		h.BMC = &typesagent.BMC{
			Address:                        b.Spec.BMC.Address,
			Username:                       strings.TrimSpace(string(login.Data["username"])),
			Password:                       secret.New(strings.TrimSpace(string(login.Data["password"]))),
			DisableCertificateVerification: b.Spec.BMC.DisableCertificateVerification,
		}
		out = append(out, h)
	}
	return out, nil
}

// nodeOf is the name of a host's node: that of its machine, else the one that is called as the host.
func nodeOf(b metal3.BareMetalHost, nodes []corev1.Node) string {
	for _, n := range nodes {
		_, machine := machineOf(n)
		if c := b.Spec.ConsumerRef; machine != "" && c != nil && c.Name == machine {
			return n.Name
		}
	}
	if byName(nodes, b.Name) != nil {
		return b.Name
	}
	return ""
}

const (
	// goneLimit is how long the cluster has to let go of a host, which it may switch off meanwhile.
	goneLimit = 10 * time.Minute
	goneEvery = 3 * time.Second
	// deleteAnnotation chooses the machine that goes when a set gets smaller.
	deleteAnnotation = "machine.openshift.io/delete-machine"
)

// hostsOf are the hosts of a node that the cluster looks after and does not provision itself.
func (r *removing) hostsOf(ctx context.Context, n corev1.Node) ([]metal3.BareMetalHost, error) {
	hosts, err := r.bareMetalHosts(ctx)
	return slices.DeleteFunc(hosts, func(b metal3.BareMetalHost) bool {
		return nodeOf(b, []corev1.Node{n}) != n.Name || !b.Spec.ExternallyProvisioned
	}), err
}

// letGo makes the cluster let go of the machine of a node, so that it does not switch it on again: the Machine goes,
// the host stays and is to be off.
func (r *removing) letGo(ctx context.Context, n corev1.Node, hosts []metal3.BareMetalHost) error {
	var refs []kube.Ref
	if namespace, name := machineOf(n); name != "" {
		refs = append(refs, machineKind.Ref(namespace, name))
	}
	for _, b := range hosts { // the node may not know its machine yet
		if c := b.Spec.ConsumerRef; c != nil && c.Kind == "Machine" {
			if ref := machineKind.Ref(c.Namespace, c.Name); !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	for _, ref := range refs {
		if err := r.deleteMachine(ctx, ref); err != nil {
			return err
		}
	}
	if err := r.gone(ctx, refs); err != nil {
		return err
	}
	for _, b := range hosts {
		off := map[string]any{"spec": map[string]any{"online": false}}
		err := r.api.Patch(ctx, bareHosts.Ref(b.Namespace, b.Name), "", off)
		if err != nil && !kube.NotFound(err) {
			return fmt.Errorf("tell the cluster that BareMetalHost %s is to be off: %s", b.Name, kube.Cause(err))
		}
	}
	return nil
}

// forget removes hosts, and the logins of their BMCs, from the cluster.
func (r *removing) forget(ctx context.Context, hosts []metal3.BareMetalHost) error {
	var refs []kube.Ref
	for _, b := range hosts {
		ref := bareHosts.Ref(b.Namespace, b.Name)
		if err := r.api.Delete(ctx, ref); err != nil && !kube.NotFound(err) {
			return fmt.Errorf("delete %s: %s", ref, kube.Cause(err))
		}
		refs = append(refs, ref)
	}
	if err := r.gone(ctx, refs); err != nil {
		return err
	}
	for _, b := range hosts {
		for _, name := range []string{b.Spec.BMC.CredentialsName, b.Spec.PreprovisioningNetworkDataName} {
			if name == "" {
				continue
			}
			if err := r.api.Delete(ctx, kube.Secrets.Ref(b.Namespace, name)); err != nil && !kube.NotFound(err) {
				return fmt.Errorf("delete Secret %s: %s", name, kube.Cause(err))
			}
		}
	}
	return nil
}

// leftovers are hosts of a node that is gone, which an earlier run wanted to be off.
func (r *removing) leftovers(ctx context.Context, name string) ([]metal3.BareMetalHost, error) {
	hosts, err := r.bareMetalHosts(ctx)
	return slices.DeleteFunc(hosts, func(b metal3.BareMetalHost) bool {
		return b.Name != name || !b.Spec.ExternallyProvisioned || b.Spec.Online || b.Spec.ConsumerRef != nil
	}), err
}

// deleteMachine deletes a machine. The set that it is of gets smaller, or would want another host.
func (r *removing) deleteMachine(ctx context.Context, ref kube.Ref) error {
	var m machinev1beta1.Machine
	err := r.api.Get(ctx, ref, &m)
	if kube.NotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %s", ref, kube.Cause(err))
	}
	owner := metav1.GetControllerOf(&m)
	if owner != nil && owner.Kind == "MachineSet" && m.DeletionTimestamp == nil && m.Annotations[deleteAnnotation] == "" {
		if err := r.shrink(ctx, ref, machineSets.Ref(ref.Namespace, owner.Name)); err != nil {
			return err
		}
	}
	if err := r.api.Delete(ctx, ref); err != nil && !kube.NotFound(err) {
		return fmt.Errorf("delete %s: %s", ref, kube.Cause(err))
	}
	return nil
}

// shrink makes a set one machine smaller: this one, which is marked first, so that another run does not do it again.
func (r *removing) shrink(ctx context.Context, ref, of kube.Ref) error {
	var set machinev1beta1.MachineSet
	if err := r.api.Get(ctx, of, &set); err != nil {
		return fmt.Errorf("read %s: %s", of, kube.Cause(err))
	}
	mark := map[string]any{"metadata": map[string]any{"annotations": map[string]any{deleteAnnotation: "true"}}}
	if err := r.api.Patch(ctx, ref, "", mark); err != nil {
		return fmt.Errorf("mark %s: %s", ref, kube.Cause(err))
	}
	if set.Spec.Replicas == nil || *set.Spec.Replicas == 0 {
		return nil
	}
	smaller := map[string]any{
		"metadata": map[string]any{"resourceVersion": set.ResourceVersion},
		"spec":     map[string]any{"replicas": *set.Spec.Replicas - 1},
	}
	if err := r.api.Patch(ctx, of, "", smaller); err != nil {
		return fmt.Errorf("lower the replicas of %s: %s", of, kube.Cause(err))
	}
	return nil
}

// gone waits until the cluster has let go of objects.
func (r *removing) gone(ctx context.Context, refs []kube.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	until := r.Clock.Now().Add(goneLimit)
	w := kube.Watcher{API: r.api, Clock: r.Clock, Sink: r.Sink, Every: goneEvery}
	return w.Until(ctx, "the cluster to let go of the host", func(ctx context.Context) (string, error) {
		var left []string
		for _, ref := range refs {
			var ignored map[string]any
			if err := r.api.Get(ctx, ref, &ignored); err == nil {
				left = append(left, ref.String()+" is being deleted")
			} else if !kube.NotFound(err) {
				left = append(left, ref.String()+": "+kube.Cause(err))
			}
		}
		if len(left) > 0 && !r.Clock.Now().Before(until) {
			return "", exit.New("look at these objects and at the machine API's operators (oc describe); the same command "+
				"goes on", "out of time, %s", strings.Join(left, "; "))
		}
		return strings.Join(left, "; "), nil
	})
}
