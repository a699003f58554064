package virtualization_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
	"github.com/okd-install/okd-install/pkg/virtualization/stacktest"
)

const ns = "kubevirt-hyperconverged"

// stack are the manifests of a small stack, by step and file.
var stack = []struct{ step, text string }{
	{"operator", "{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + "}}"},
	{"operator", "{apiVersion: operators.coreos.com/v1, kind: OperatorGroup, metadata: {name: " +
		"kubevirt-hyperconverged-group, namespace: " + ns + "}, spec: {}}"},
	{"operator", "{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription, metadata: {name: hco-operatorhub, " +
		"namespace: " + ns + "}, spec: {channel: stable, installPlanApproval: Manual, name: " +
		"community-kubevirt-hyperconverged, source: community-operators, sourceNamespace: openshift-marketplace}}"},
	{"storage", "{apiVersion: hostpathprovisioner.kubevirt.io/v1beta1, kind: HostPathProvisioner, metadata: {name: " +
		"hostpath-provisioner}, spec: {storagePools: [{name: local, path: /var/hpvolumes}]}}"},
	{"storage", "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: hostpath-csi, annotations: " +
		"{storageclass.kubevirt.io/is-default-virt-class: 'true'}}, provisioner: kubevirt.io.hostpath-provisioner}"},
	{"storage", "{apiVersion: cdi.kubevirt.io/v1beta1, kind: StorageProfile, metadata: {name: hostpath-csi}, spec: " +
		"{cloneStrategy: copy}}"},
	{"hyperconverged", "{apiVersion: hco.kubevirt.io/v1beta1, kind: HyperConverged, metadata: {name: " +
		"kubevirt-hyperconverged, namespace: " + ns + "}, spec: {evictionStrategy: LiveMigrate}}"},
	{"networks", "{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: red, namespace: " +
		"default}, spec: {config: '{}'}}"},
}

func objects(t *testing.T) []manifests.Manifest {
	t.Helper()
	var out []manifests.Manifest
	for i, m := range stack {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(m.text), &o); err != nil {
			t.Fatal(err)
		}
		meta, _ := o["metadata"].(map[string]any)
		meta["labels"] = map[string]any{virtualization.Label: virtualization.Manager}
		out = append(out, manifests.Manifest{Step: m.step, Path: fmt.Sprintf("%d.yaml", i), Object: o})
	}
	return out
}

// said collects what a run says.
type said struct {
	mu    sync.Mutex
	clock *stacktest.Clock
	lines []string
	at    map[string]time.Time // when a line came first
}

func (s *said) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, e.Message)
	if _, known := s.at[e.Message]; !known {
		s.at[e.Message] = s.clock.Now()
	}
}

func (s *said) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.lines, func(l string) bool { return strings.Contains(l, text) })
}

func (s *said) since(text string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if strings.Contains(l, text) {
			return s.at[l], true
		}
	}
	return time.Time{}, false
}

func deployer(t *testing.T, s *stacktest.Stack) (*virtualization.Deployer, *said) {
	t.Helper()
	api, err := kube.New(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	clk := s.Clock()
	heard := &said{clock: clk, at: map[string]time.Time{}}
	return &virtualization.Deployer{
		Watcher:   kube.Watcher{API: api, Clock: clk, Sink: heard, Every: 4 * time.Second},
		Manifests: objects(t), Limit: 3 * time.Minute,
		Catalog: manifests.AddedCatalog("4.21.0"),
	}, heard
}

func TestDeploy(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	d, heard := deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	for _, want := range []string{
		"operator: HyperConverged", "hyperconverged: HyperConverged", "Approving InstallPlan",
		"StorageProfile hostpath-csi: ", "images: DataImportCron",
	} {
		if !heard.has(want) && want != "operator: HyperConverged" && want != "StorageProfile hostpath-csi: " {
			t.Errorf("not said: %s", want)
		}
	}
	status, err := d.Status(t.Context())
	if err != nil || !status.Ready {
		t.Errorf("status: %+v, %v", status, err)
	}
	for _, p := range status.Parts {
		ours := p.Step != "storage-profiles" && p.Step != "images" && !strings.HasPrefix(p.Name, "StorageProfile")
		if p.Ours != ours {
			t.Errorf("%s: ours %t", p.Name, p.Ours)
		}
	}

	s.Writes()
	before := s.Versions()
	d, heard = deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("the second run wrote %v", w)
	}
	if after := s.Versions(); !reflect.DeepEqual(before, after) {
		t.Errorf("versions changed:\n%v\n%v", before, after)
	}
	if !heard.has("0 objects made, 0 changed, 8 as they are written") {
		t.Errorf("not said what was done: %v", heard.lines)
	}

	d, _ = deployer(t, s)
	d.Manifests[6].Object["spec"].(map[string]any)["evictionStrategy"] = "None"
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.Writes(); len(w) != 1 || !strings.Contains(w[0], "/hyperconvergeds/") {
		t.Errorf("a changed file wrote %v", w)
	}
}

// Each failure is said within 30 s, and ends the run if it does not mend itself.
func TestFailures(t *testing.T) {
	hubless := func(s *stacktest.Stack) {}
	tests := []struct {
		name    string
		faults  stacktest.Faults
		before  func(*stacktest.Stack)
		edit    func(*virtualization.Deployer)
		says    string // within 30 s of the state, in progress or error
		err     string // the error that ends the run
		patient bool   // it ends later than that
	}{
		{name: "catalog image", faults: stacktest.Faults{CatalogUnpullable: true},
			edit: func(d *virtualization.Deployer) { d.Catalog = manifests.Manifest{} },
			says: "cannot be pulled", err: "it cannot be used, and no other one is known"},
		{name: "own catalog's image, too", faults: stacktest.Faults{CatalogUnpullable: true}, patient: true,
			says: "cannot be pulled", err: "image registry.access.redhat.com/redhat/community-operator-index:v4.21 of Pod " +
				"openshift-marketplace/okd-install-community-operators cannot be pulled: unauthorized"},
		{name: "resolution", faults: stacktest.Faults{NoPackage: true}, says: "ConstraintsNotSatisfiable",
			err: "no operators found in package community-kubevirt-hyperconverged"},
		{name: "unpack", faults: stacktest.Faults{UnpackFails: true}, says: "BundleUnpackFailed",
			err: "bundle unpacking failed"},
		{name: "plan", faults: stacktest.Faults{PlanFails: true}, says: "no matches for kind",
			err: "InstallPlan kubevirt-hyperconverged/install-hco-operatorhub has failed"},
		{name: "two groups", before: func(s *stacktest.Stack) {
			s.Put("{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + "}}")
			s.Put("{apiVersion: operators.coreos.com/v1, kind: OperatorGroup, metadata: {name: other, namespace: " + ns + "}}")
		}, says: "two operator groups", err: "TooManyOperatorGroups"},
		{name: "KubeVirt elsewhere", before: func(s *stacktest.Stack) {
			s.Serve("kubevirt.io/v1", "KubeVirt", true)
			s.Put("{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: kubevirt, namespace: default}}")
		}, says: "virtualization already", err: "the cluster has virtualization already: KubeVirt default/kubevirt"},
		{name: "webhook", faults: stacktest.Faults{WebhookDown: true}, patient: true,
			says: `is not accepted yet: webhook "validate-hco.kubevirt.io": failed to call webhook`, err: "not done after"},
		{name: "operator", faults: stacktest.Faults{OperatorCrashes: true}, patient: true,
			says: "Deployment kubevirt-hyperconverged/hco-operator: Available is False", err: "not done after"},
		{name: "unknown field", before: func(s *stacktest.Stack) {
			s.Admit(func(r kubetest.Request) *metav1.Status {
				if !strings.Contains(r.Path, "/hyperconvergeds") {
					return nil
				}
				return &metav1.Status{Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError,
					Message: "failed to create typed patch object (a/b; hco.kubevirt.io/v1beta1, Kind=HyperConverged): " +
						".spec.evictionStratgy: field not declared in schema"}
			})
		}, says: "the cluster refuses HyperConverged", err: ".spec.evictionStratgy: field not declared in schema"},
		{name: "no class", before: hubless, edit: func(d *virtualization.Deployer) {
			delete(d.Manifests[4].Object["metadata"].(map[string]any), "annotations")
		}, says: "no default StorageClass", err: "it has none at all"},
		{name: "no kvm", faults: stacktest.Faults{NoKVM: true}, says: "no /dev/kvm on node a, node b",
			err: "software emulation is not allowed"},
		{name: "degraded", faults: stacktest.Faults{Degraded: true}, patient: true,
			says: "NetworkAddonsConfig cluster: Degraded is True (Failing): bridge-marker: image is missing",
			err:  "it is degraded"},
		{name: "import", faults: stacktest.Faults{ImportFails: true}, says: "manifest unknown",
			err: "DataImportCron kubevirt-os-images/fedora-image-cron: DataVolume kubevirt-os-images/fedora-1 fails"},
		{name: "unknown kind", edit: func(d *virtualization.Deployer) {
			d.Manifests = append(d.Manifests, manifests.Manifest{Step: "pipelines", Object: map[string]any{
				"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": map[string]any{"name": "x", "namespace": "default"}}})
		}, patient: true, says: "the API serves no kind Task of tekton.dev/v1", err: "nothing that was applied brings it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stacktest.New(t, tt.faults)
			d, heard := deployer(t, s)
			d.Limit = 6 * time.Minute
			if tt.before != nil {
				tt.before(s)
			}
			if tt.edit != nil {
				tt.edit(d)
			}
			err := d.Deploy(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q\n%s", err, tt.err, strings.Join(heard.lines, "\n"))
			}
			if exit.Code(err) != exit.Install || exit.Next(err) == "" {
				t.Errorf("code %d, next %q", exit.Code(err), exit.Next(err))
			}
			first, inTime := heard.since(tt.says)
			if !inTime && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q was not said: %v\n%s", tt.says, err, strings.Join(heard.lines, "\n"))
			}
			if took := d.Clock.Now().Sub(first); inTime && !tt.patient && took > 30*time.Second {
				t.Errorf("it took %s from the first sight to the error", took)
			}
		})
	}
}

// HyperConverged, which takes longest, does not wait for the webhook of the storage.
func TestStorageLate(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{StorageLate: true})
	d, heard := deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	if s.Get("/apis/hostpathprovisioner.kubevirt.io/v1beta1/hostpathprovisioners/hostpath-provisioner") == nil {
		t.Error("there is no HostPathProvisioner")
	}
}

func TestEmulationAllowed(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{NoKVM: true})
	d, _ := deployer(t, s)
	d.Manifests[2].Object["spec"].(map[string]any)["config"] = map[string]any{"env": []any{
		map[string]any{"name": "KVM_EMULATION", "value": "true"}}}
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// OKD releases that came with OCP's catalogs get one that works, and the others are switched off.
func TestDefaultCatalogsOfOCP(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{DefaultsOfOCP: true})
	d, heard := deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	hub := s.Get("/apis/config.openshift.io/v1/operatorhubs/cluster")
	text := fmt.Sprint(hub["spec"])
	if !strings.Contains(text, "redhat-operators") || !strings.Contains(text, "disabled:true") {
		t.Errorf("OperatorHub: %v", text)
	}
	if !heard.has("takes its place") || !heard.has("Switching catalog redhat-operators of the cluster off") {
		t.Error("it is not said what was changed")
	}
	s.Writes()
	d, _ = deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("the second run wrote %v", w)
	}
	if err := d.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	hub = s.Get("/apis/config.openshift.io/v1/operatorhubs/cluster")
	if spec, _ := hub["spec"].(map[string]any); len(spec) > 0 {
		t.Errorf("OperatorHub is not as before: %v", spec)
	}
}

// A run that ends anywhere, and an API that is away for a minute, cost nothing but time.
func TestGoesOn(t *testing.T) {
	for after := 1; ; after++ {
		s := stacktest.New(t, stacktest.Faults{})
		d, _ := deployer(t, s)
		ctx, kill := context.WithCancel(t.Context())
		pauses := 0
		d.Clock.(*stacktest.Clock).Before = func(time.Time) {
			if pauses++; pauses == after {
				kill()
			}
		}
		err := d.Deploy(ctx)
		kill()
		if err == nil {
			if after < 6 {
				t.Fatalf("only %d pauses", after)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("killed at %d: %v", after, err)
		}
		d, _ = deployer(t, s)
		if err := d.Deploy(t.Context()); err != nil {
			t.Fatalf("after a kill at %d: %v", after, err)
		}
	}
}

func TestAPIAway(t *testing.T) {
	for at := 1; at < 8; at += 2 {
		s := stacktest.New(t, stacktest.Faults{})
		d, heard := deployer(t, s)
		pauses := 0
		var until time.Time
		d.Clock.(*stacktest.Clock).Before = func(now time.Time) {
			pauses++
			if pauses == at {
				until = now.Add(time.Minute)
				s.Down(true)
			}
			if !until.IsZero() && now.After(until) {
				s.Down(false)
			}
		}
		if err := d.Deploy(t.Context()); err != nil {
			t.Fatalf("away after pause %d: %v\n%s", at, err, strings.Join(heard.lines, "\n"))
		}
		if !heard.has("the connection was closed") {
			t.Errorf("away after pause %d: nobody noticed", at)
		}
	}
}
