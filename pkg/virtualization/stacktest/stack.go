// Package stacktest imitates the operators of the virtualization stack for tests: the marketplace, the lifecycle
// manager, HyperConverged with its parts, and the hostpath provisioner. Each look at the time makes them do one step.
package stacktest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
)

// Faults are what goes wrong.
type Faults struct {
	CatalogUnpullable bool // also the catalogs that need no login
	DefaultsOfOCP     bool // the release came with catalogs that need a login
	NoPackage         bool // the catalog does not have the operator
	UnpackFails       bool
	PlanFails         bool
	WebhookDown       bool
	StorageLate       bool // the webhook of HostPathProvisioner does not answer before there is a HyperConverged
	OperatorCrashes   bool // hco-operator does not become available
	NoKVM             bool // nodes have no /dev/kvm
	Degraded          bool // NetworkAddonsConfig is, and so HyperConverged
	ImportFails       bool
}

// Stack is a cluster with those operators.
type Stack struct {
	*kubetest.Cluster
	faults atomic.Pointer[Faults]
	begun  atomic.Bool // there is a HyperConverged, or was one
	mu     sync.Mutex
	seen   map[string]int    // how often an object was looked at
	paths  map[string]string // of objects that were made once, by their manifests
}

// New starts a cluster with two workers and nothing installed.
func New(t testing.TB, f Faults) *Stack {
	t.Helper()
	s := &Stack{Cluster: kubetest.NewCluster(t), seen: map[string]int{}, paths: map[string]string{}}
	s.Fail(f)
	for _, k := range []string{"CatalogSource", "Subscription", "InstallPlan", "ClusterServiceVersion"} {
		s.Serve("operators.coreos.com/v1alpha1", k, true)
	}
	s.Serve("operators.coreos.com/v1", "OperatorGroup", true)
	s.Serve("packages.operators.coreos.com/v1", "PackageManifest", true)
	s.Serve("config.openshift.io/v1", "OperatorHub", false)
	s.Serve("config.openshift.io/v1", "ClusterVersion", false)
	s.Serve("storage.k8s.io/v1", "StorageClass", false)
	s.Serve("scheduling.k8s.io/v1", "PriorityClass", false)
	s.Serve("apps/v1", "Deployment", true)
	s.Serve("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", true)
	for _, k := range []string{"ClusterRole", "ClusterRoleBinding"} {
		s.Serve("rbac.authorization.k8s.io/v1", k, false)
	}
	for _, ns := range []string{marketplace, "default", "kube-system"} {
		s.Put("{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + "}}")
	}
	s.Put(`{apiVersion: config.openshift.io/v1, kind: ClusterVersion, metadata: {name: version},
		status: {desired: {version: 4.21.0-okd-scos.3}}}`)
	for _, n := range []string{"a", "b"} {
		s.Put(`{apiVersion: v1, kind: Node, metadata: {name: ` + n + `, labels: {node-role.kubernetes.io/worker: ""}},
			status: {conditions: [{type: Ready, status: "True"}], allocatable: {cpu: "4"}}}`)
	}
	hub := "spec: {disableAllDefaultSources: true, sources: [{name: community-operators, disabled: false}]}"
	if f.DefaultsOfOCP {
		hub = "spec: {}"
	}
	s.Put("{apiVersion: config.openshift.io/v1, kind: OperatorHub, metadata: {name: cluster}, " + hub + "}")
	s.Admit(s.admit)
	s.Step()
	s.Step()
	return s
}

// Fail changes what goes wrong.
func (s *Stack) Fail(f Faults) { s.faults.Store(&f) }

func (s *Stack) wrong() Faults { return *s.faults.Load() }

// Clock is a clock for which every pause is over at once, after the operators have done a step.
func (s *Stack) Clock() *Clock {
	return &Clock{Fake: clock.NewFake(time.Now().Truncate(time.Second)), stack: s}
}

// Clock jumps forward when somebody waits.
type Clock struct {
	*clock.Fake
	stack  *Stack
	Before func(now time.Time) // is called in each pause
}

// longest is the longest pause of somebody who waits for the cluster. Longer ones are those of a watchdog beside them.
const longest = time.Minute

// Sleep returns after a step of the operators.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d > longest {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Advance(d)
	if c.Before != nil {
		c.Before(c.Now())
	}
	c.stack.Step()
	return ctx.Err()
}

// admit is the webhooks of the operators.
func (s *Stack) admit(r kubetest.Request) *metav1.Status {
	switch {
	case strings.Contains(r.Path, "/hyperconvergeds/"):
		if s.wrong().WebhookDown {
			return silent("validate-hco.kubevirt.io", "hco-webhook-service")
		}
		s.begun.Store(s.begun.Load() || !r.DryRun)
	case strings.Contains(r.Path, "/hostpathprovisioners/") && s.wrong().StorageLate && !s.begun.Load():
		return silent("validate-hostpath-provisioner.kubevirt.io", "hostpath-provisioner-operator-service")
	}
	return nil
}

// silent is the answer of an API whose webhook has no pod.
func silent(webhook, service string) *metav1.Status {
	return &metav1.Status{Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError,
		Message: fmt.Sprintf("Internal error occurred: failed calling webhook %q: failed to call webhook: Post "+
			`"https://%s.kubevirt-hyperconverged.svc:443/validate": no endpoints available for service %q`,
			webhook, service, service)}
}

// object is an object that an operator looks at.
type object struct {
	*unstructured.Unstructured
	path string
}

func (o object) text(path ...string) string {
	v, _, _ := unstructured.NestedString(o.Object, path...)
	return v
}

// each calls do for all objects of a collection, such as operators.coreos.com/v1alpha1 subscriptions.
func (s *Stack) each(version, plural string, do func(o object)) {
	for _, p := range s.Paths() {
		rest, in := strings.CutPrefix(p, "/apis/"+version+"/")
		if version == "v1" {
			rest, in = strings.CutPrefix(p, "/api/v1/")
		}
		words := strings.Split(rest, "/")
		if !in || len(words) < 2 || words[len(words)-2] != plural {
			continue
		}
		if o := s.Get(p); o != nil {
			do(object{&unstructured.Unstructured{Object: o}, p})
		}
	}
}

// Step lets all operators look once.
func (s *Stack) Step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marketplace()
	s.lifecycle()
	s.hyperConverged()
	s.others()
}

// turn reports whether an object has been looked at n times before.
func (s *Stack) turn(o object, n int) bool {
	s.seen[string(o.GetUID())]++
	return s.seen[string(o.GetUID())] > n
}

func condition(kind, status, reason, message string) string {
	return fmt.Sprintf(`{type: %s, status: %q, reason: %q, message: %q, lastTransitionTime: "2026-01-01T00:00:00Z"}`,
		kind, status, reason, message)
}

// settle gives an object the conditions of one that is well.
func (s *Stack) settle(path string) {
	s.Merge(path, "status: {conditions: ["+condition("Available", "True", "AsExpected", "")+", "+
		condition("Degraded", "False", "AsExpected", "")+", "+condition("Progressing", "False", "AsExpected", "")+"]}")
}

func (s *Stack) others() {
	s.each("hostpathprovisioner.kubevirt.io/v1beta1", "hostpathprovisioners", func(o object) { s.settle(o.path) })
}
