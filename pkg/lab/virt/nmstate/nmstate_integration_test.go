//go:build integration

package nmstate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/release/apitest"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate/link"
)

// inNamespace is the network of a node that is a network namespace.
type inNamespace string

func (n inNamespace) Apply(s link.State) (undo func() error, err error) {
	var c *link.Change
	err = netns.Do(string(n), func() (err error) { c, err = link.Apply(s); return err })
	return func() error { return netns.Do(string(n), c.Undo) }, err
}

func (n inNamespace) Current() (all []link.Shown, err error) {
	err = netns.Do(string(n), func() (err error) { all, err = link.Current(); return err })
	return all, err
}

// bed is an API server and nodes whose networks are network namespaces.
type bed struct {
	*testing.T
	apitest.Server
	ctx    context.Context
	cutOff atomic.Bool
}

// TestPoliciesOnNodes needs root.
func TestPoliciesOnNodes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	runtime.LockOSThread() // threads that change their namespace end
	cache := cmp.Or(os.Getenv("OKD_LAB_CACHE"), "/var/cache/okd-lab")
	programs, err := images.Binaries(ctx, "../../../..", cache, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{T: t, Server: apitest.Start(ctx, t, programs.Etcd, programs.Hyperkube), ctx: ctx}
	b.operator()
	nodes := map[string]inNamespace{"worker-0": b.network("worker-0"), "worker-1": b.network("worker-1")}
	stop := map[string]func(){}
	for name, n := range nodes {
		b.node(name)
		stop[name] = b.handler(name, n)
	}

	b.policy("br1", `{"maxUnavailable": 1, "nodeSelector": {"vms": "true"}, "desiredState": {"interfaces": [
		{"name": "br1", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "ens4"}]}}]}}`)
	b.wait("br1", "Available=True SuccessfullyConfigured 2/2 nodes successfully configured")
	for name, n := range nodes {
		if got := shown(t, n, "br1"); got.State != "up" || len(got.Bridge.Ports) != 1 {
			t.Errorf("%s has %+v", name, got)
		}
		b.enactment(name+".br1", "Available=True SuccessfullyConfigured successfully reconciled")
	}

	b.policy("bond", `{"nodeSelector": {"vms": "true"}, "desiredState": {"interfaces": [
		{"name": "bond1", "type": "bond", "link-aggregation": {"mode": "active-backup", "port": []}}]}}`)
	b.wait("bond", "Degraded=True FailedToConfigure")
	b.anyEnactment("bond", "Failing=True FailedToConfigure", "make a bond: operation not supported")

	b.policy("nobody", `{"nodeSelector": {"vms": "never"}, "desiredState": {"interfaces": []}}`)
	b.wait("nobody", "Ignored=True NoMatchingNode Policy does not match any node")

	b.cutOff.Store(true)
	b.policy("cut", `{"nodeSelector": {"kubernetes.io/hostname": "worker-0"}, "desiredState": {"interfaces": [
		{"name": "br9", "type": "linux-bridge", "bridge": {"port": []}}]}}`)
	b.wait("cut", "Degraded=True FailedToConfigure 1/1 nodes failed to configure")
	b.enactment("worker-0.cut", "the API server cannot be reached")
	if got := shown(t, nodes["worker-0"], "br9"); got.Name != "" {
		t.Errorf("what cut the node off was not taken back: %+v", got)
	}
	b.cutOff.Store(false)

	// A node that was off has lost its network.
	stop["worker-1"]()
	again := b.network("worker-1-again")
	b.handler("worker-1", again)
	apitest.Eventually(ctx, t, "bridge after the node's start", func() (bool, string) {
		return shown(t, again, "br1").State == "up", "there is none"
	})

	if err := b.Client.Delete(ctx, policies.Ref("", "br1")); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(ctx, t, "end of the enactments", func() (bool, string) {
		err := b.Client.Get(ctx, enactments.Ref("", "worker-0.br1"), new(any))
		return kube.NotFound(err), fmt.Sprint(err)
	})
	var s NodeState
	if err := b.Client.Get(ctx, states.Ref("", "worker-0"), &s); err != nil || len(s.Status.Current.Interfaces) < 2 {
		t.Errorf("state of the node: %+v %v", s.Status, err)
	}
}

// operator runs the operator until its NMState is available.
func (b *bed) operator() {
	bundle, err := Bundle("1.2.3", "registry/nmstate@sha256:aa")
	if err != nil {
		b.Fatal(err)
	}
	crd, err := fs.ReadFile(bundle, "manifests/nmstate.io_nmstates.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.apply(crd)
	b.apply([]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: openshift-nmstate}\n"))
	watcher, err := b.Client.Watcher()
	if err != nil {
		b.Fatal(err)
	}
	o := &Operator{
		Client: b.Client, Clock: clock.Real(), Log: program.Logger(), Namespace: "openshift-nmstate", Image: "x",
	}
	b.background(func(ctx context.Context) error { return o.Run(ctx, watcher) })
	b.apply([]byte("apiVersion: nmstate.io/v1\nkind: NMState\nmetadata: {name: nmstate}\nspec: {}\n"))
	is := func(want string) {
		b.Helper()
		apitest.Eventually(b.ctx, b.T, "NMState is "+want, func() (bool, string) {
			var n NMState
			err := b.Client.Get(b.ctx, nmstates.Ref("", "nmstate"), &n)
			text := n.Status.Conditions.text()
			return strings.Contains(text, want), fmt.Sprint(text, err)
		})
	}
	is("Progressing=True Deploying")
	patch := map[string]any{"status": map[string]any{
		"observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberReady": 2,
		"numberAvailable": 2, "updatedNumberScheduled": 2, "numberMisscheduled": 0,
	}}
	if err := b.Client.Patch(b.ctx, daemonSets.Ref("openshift-nmstate", handlerWorkload), "status", patch); err != nil {
		b.Fatal(err)
	}
	is("Available=True SuccessfullyDeployed")
}

// background runs a loop until the returned function is called, or the test ends.
func (b *bed) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	var g sync.WaitGroup
	g.Go(func() {
		if err := run(ctx); err != nil {
			b.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); g.Wait() })
	b.Cleanup(stop)
	return stop
}

func (b *bed) apply(text []byte) {
	b.Helper()
	all, err := api.Decode(text)
	if err != nil {
		b.Fatal(err)
	}
	for _, u := range all {
		apitest.Eventually(b.ctx, b.T, "apply "+u.GetName(), func() (bool, string) {
			err := b.Client.ApplyObject(b.ctx, u)
			return err == nil, fmt.Sprint(err)
		})
	}
}

// network is that of a node with a second card.
func (b *bed) network(name string) inNamespace {
	path := filepath.Join(b.TempDir(), name)
	err := netns.Create(path)
	if err == nil {
		b.Cleanup(func() {
			if err := netns.Delete(path); err != nil {
				b.Error(err)
			}
		})
		err = netns.Do(path, func() error {
			return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "ens4"}, PeerName: "wire"})
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	return inNamespace(path)
}

// node makes a node and the pod of its handler.
func (b *bed) node(name string) {
	n := testNode(name, corev1.ConditionTrue)
	n.APIVersion, n.Kind = "v1", "Node"
	if err := b.Client.Create(b.ctx, kube.Nodes, "", &n); err != nil {
		b.Fatal(err)
	}
	p := corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "nmstate-handler-" + name, Namespace: "openshift-nmstate", Labels: map[string]string{"component": handlerName},
		},
		Spec: corev1.PodSpec{NodeName: name, Containers: []corev1.Container{{Name: "c", Image: "none"}}},
	}
	if err := b.Client.Create(b.ctx, kube.Pods, p.Namespace, &p); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) handler(name string, n inNamespace) (stop func()) {
	watcher, err := b.Client.Watcher()
	if err != nil {
		b.Fatal(err)
	}
	h := &Handler{
		Client: b.Client, Clock: clock.Real(), Log: program.Logger(), Node: name, Namespace: "openshift-nmstate", Network: n,
		Reachable: func(context.Context) error {
			if b.cutOff.Load() {
				return errors.New("no route to host")
			}
			return nil
		},
	}
	return b.background(func(ctx context.Context) error { return h.Run(ctx, watcher) })
}

func (b *bed) policy(name, spec string) {
	b.Helper()
	b.apply(fmt.Appendf(nil, `apiVersion: nmstate.io/v1
kind: NodeNetworkConfigurationPolicy
metadata: {name: %s}
spec: %s
`, name, spec))
}

func (b *bed) wait(policy, want string) {
	b.Helper()
	apitest.Eventually(b.ctx, b.T, "policy "+policy, func() (bool, string) {
		var p Policy
		err := b.Client.Get(b.ctx, policies.Ref("", policy), &p)
		text := p.Status.Conditions.text()
		return strings.Contains(text, want) && p.Status.Unavailable == 0, fmt.Sprint(text, p.Status.Unavailable, err)
	})
}

func (b *bed) enactment(name string, want string) {
	b.Helper()
	var e Enactment
	err := b.Client.Get(b.ctx, enactments.Ref("", name), &e)
	if text := e.Status.Conditions.text(); err != nil || !strings.Contains(text, want) {
		b.Errorf("enactment %s: %s, want %s: %v", name, text, want, err)
	}
}

// anyEnactment looks for one of a policy's: where it fails first, others may give up.
func (b *bed) anyEnactment(policy string, wants ...string) {
	b.Helper()
	all, err := list[Enactment](b.ctx, b.Client, enactments, "")
	if err != nil {
		b.Fatal(err)
	}
	text := ""
	for _, e := range all {
		if e.Labels[policyLabel] == policy {
			text += e.Status.Conditions.text() + "\n"
		}
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			b.Errorf("enactments of %s lack %q:\n%s", policy, want, text)
		}
	}
}

func shown(t *testing.T, n inNamespace, name string) link.Shown {
	t.Helper()
	all, err := n.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	return link.Shown{}
}
