package olm

import (
	"encoding/json"
	"io/fs"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/catalog"
	kit "github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/registry"
)

// stage is a cluster in memory with the manager, whose rounds the test calls.
type stage struct {
	*testing.T
	server *kubetest.Server
	o      *Operator
}

const (
	v1alpha = "/apis/operators.coreos.com/v1alpha1/namespaces/"
	groupV1 = "/apis/operators.coreos.com/v1/namespaces/"
)

// newStage is a cluster whose catalogs all have their registry at an address.
func newStage(t *testing.T, at string) stage {
	t.Helper()
	s := kubetest.New(t)
	name := func(n, kind string, namespaced bool) []metav1.APIResource {
		r := metav1.APIResource{Name: n, Kind: kind, Namespaced: namespaced}
		status := r
		status.Name += "/status"
		return []metav1.APIResource{r, status}
	}
	s.Define("operators.coreos.com/v1alpha1", slices.Concat(
		name("catalogsources", "CatalogSource", true), name("subscriptions", "Subscription", true),
		name("installplans", "InstallPlan", true), name("clusterserviceversions", "ClusterServiceVersion", true))...)
	s.Define("apps/v1", name("deployments", "Deployment", true)...)
	s.Define("v1", slices.Concat(name("services", "Service", true), name("serviceaccounts", "ServiceAccount", true),
		name("configmaps", "ConfigMap", true), name("secrets", "Secret", true), name("pods", "Pod", true))...)
	s.Define("apiextensions.k8s.io/v1", name("customresourcedefinitions", "CustomResourceDefinition", false)...)
	s.Define("rbac.authorization.k8s.io/v1", slices.Concat(name("roles", "Role", true),
		name("rolebindings", "RoleBinding", true), name("clusterroles", "ClusterRole", false),
		name("clusterrolebindings", "ClusterRoleBinding", false))...)
	s.Define("admissionregistration.k8s.io/v1", slices.Concat(
		name("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false),
		name("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false))...)
	client, err := kit.New("test", s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return stage{t, s, &Operator{
		Client: client, Clock: clock.Real(), News: program.News{Log: program.Logger()}, Version: "5.0.0-okd-lab.1",
		Image: "olm", UnpackDeadline: time.Minute, dial: func(_, _ string) string { return at },
	}}
}

// rounds lets the manager look n times.
func (s stage) rounds(n int) {
	s.Helper()
	for range n {
		lists := make([][]any, len(followed))
		for i, k := range followed {
			items, err := list[map[string]any](s.Context(), s.o.Client, k, "")
			if err != nil {
				s.Fatal(err)
			}
			for _, o := range items {
				lists[i] = append(lists[i], &unstructured.Unstructured{Object: o})
			}
		}
		s.o.round(s.Context(), lists)
	}
}

// settle lets the manager look until a condition holds.
func (s stage) settle(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		s.rounds(1)
		if holds() {
			return
		}
		time.Sleep(20 * time.Millisecond) // connections are real
	}
	s.Fatalf("never came: %s", what)
}

func read[T any](s stage, path string) T {
	s.Helper()
	var v T
	s.server.Get(path, &v)
	return v
}

func (s stage) sub(namespace, name string) v1alpha1.Subscription {
	return read[v1alpha1.Subscription](s, v1alpha+namespace+"/subscriptions/"+name)
}

func (s stage) csv(namespace, name string) v1alpha1.ClusterServiceVersion {
	return read[v1alpha1.ClusterServiceVersion](s, v1alpha+namespace+"/clusterserviceversions/"+name)
}

// plans are all plans.
func (s stage) plans() []v1alpha1.InstallPlan {
	s.Helper()
	out, err := list[v1alpha1.InstallPlan](s.Context(), s.o.Client, installPlans, "")
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func condition(sub v1alpha1.Subscription, kind v1alpha1.SubscriptionConditionType) string {
	c := sub.Status.GetCondition(kind)
	return strings.TrimSpace(string(c.Status) + " " + c.Reason + " " + c.Message)
}

func (s stage) catalog(name string) {
	s.server.Put(v1alpha+"openshift-marketplace/catalogsources/"+name, []byte(`
apiVersion: operators.coreos.com/v1alpha1
kind: CatalogSource
metadata: {name: `+name+`, namespace: openshift-marketplace, uid: `+name+`}
spec: {sourceType: grpc, image: "quay.io/example/`+name+`:latest", displayName: Catalog}
`))
}

func (s stage) group(name string, targets ...string) {
	raw, _ := json.Marshal(targets)
	s.server.Put(groupV1+"app/operatorgroups/"+name, []byte(`
apiVersion: operators.coreos.com/v1
kind: OperatorGroup
metadata: {name: `+name+`, namespace: app, uid: `+name+`}
spec: {targetNamespaces: `+string(raw)+`}
`))
}

// subscribe makes subscription app/sub; more are further lines of its spec.
func (s stage) subscribe(more ...string) {
	s.server.Put(v1alpha+"app/subscriptions/sub", []byte(`
apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {name: sub, namespace: app, uid: sub}
spec:
  name: example-operator
  channel: stable
  source: community
  sourceNamespace: openshift-marketplace
`+strings.Join(more, "\n")+"\n"))
}

// unpacked ends the job of a bundle as its pod would.
func (s stage) unpacked(image string, files fs.FS) {
	s.Helper()
	path := "/api/v1/namespaces/openshift-marketplace/configmaps/" + bundle.Name(image)
	cm := read[corev1.ConfigMap](s, path)
	root := fstest.MapFS{"metadata/annotations.yaml": &fstest.MapFile{Data: []byte("annotations: {}\n")}}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(files, e.Name())
		if err != nil {
			s.Fatal(err)
		}
		root["manifests/"+e.Name()] = &fstest.MapFile{Data: data}
	}
	if err := bundle.Pack(root, &cm); err != nil {
		s.Fatal(err)
	}
	s.server.Set(path, cm)
	s.jobEnds(image, batchv1.JobComplete, "", "")
}

func (s stage) jobEnds(image string, kind batchv1.JobConditionType, reason, message string) {
	s.Helper()
	path := "/apis/batch/v1/namespaces/openshift-marketplace/jobs/" + bundle.Name(image)
	job := read[batchv1.Job](s, path)
	if job.Name == "" {
		s.Fatal("there is no job for " + image)
	}
	job.Status.Conditions = []batchv1.JobCondition{{
		Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message,
	}}
	s.server.Set(path, job)
}

// establish does what the API server does with a definition.
func (s stage) establish(name string) {
	path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + name
	crd := read[map[string]any](s, path)
	if crd == nil {
		s.Fatal("there is no definition " + name)
	}
	crd["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Established", "status": "True"}}}
	s.server.Set(path, crd)
}

// available does what the controller of deployments does.
func (s stage) available(name string, yes bool) {
	s.Helper()
	path := "/apis/apps/v1/namespaces/app/deployments/" + name
	d := read[appsv1.Deployment](s, path)
	if d.Name == "" {
		s.Fatal("there is no deployment " + name)
	}
	c := appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}
	d.Status = appsv1.DeploymentStatus{UpdatedReplicas: 1, AvailableReplicas: 1}
	if !yes {
		c.Status, c.Message = corev1.ConditionFalse, "Deployment does not have minimum availability."
	}
	d.Status.Conditions = []appsv1.DeploymentCondition{c}
	s.server.Set(path, d)
}

// serveRegistry returns the address.
func serveRegistry(t *testing.T, c *registry.Content) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := registry.Server(c)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// example is the lab's example operator, and a registry that has it.
func example(t *testing.T) (fs.FS, *registry.Content) {
	t.Helper()
	b, err := catalog.Example("registry.lab.okd.test:5000/okd/content@sha256:0")
	if err != nil {
		t.Fatal(err)
	}
	csv, err := b.CSV()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(csv)
	if err != nil {
		t.Fatal(err)
	}
	return b.Manifests, &registry.Content{
		Packages: []registry.Package{{
			Name: b.Package, DefaultChannel: "stable", Channels: []registry.Channel{{Name: "stable", CSV: csv.Name}},
		}},
		Bundles: []registry.Bundle{{
			CSV: csv.Name, Package: b.Package, Channel: "stable", CSVJSON: string(raw), Image: exampleImage, Version: "0.1.0",
			Properties: []registry.Property{{
				Type: "olm.package", Value: `{"packageName":"example-operator","version":"0.1.0"}`,
			}},
		}},
	}
}

const (
	exampleImage = "quay.io/okd-lab/example-operator-bundle@sha256:1"
	exampleCSV   = "example-operator.v0.1.0"
)

// object adds a YAML document to a bundle.
func object(files fs.FS, name, text string) fs.FS {
	out := fstest.MapFS{name: &fstest.MapFile{Data: []byte(text)}}
	entries, _ := fs.ReadDir(files, ".")
	for _, e := range entries {
		data, _ := fs.ReadFile(files, e.Name())
		if _, taken := out[e.Name()]; !taken {
			out[e.Name()] = &fstest.MapFile{Data: data}
		}
	}
	return out
}

// change edits a bundle's CSV.
func change(t *testing.T, files fs.FS, edit func(*v1alpha1.ClusterServiceVersion)) fs.FS {
	t.Helper()
	csv, err := catalog.Bundle{Manifests: files}.CSV()
	if err != nil {
		t.Fatal(err)
	}
	edit(&csv)
	raw, err := yaml.Marshal(csv)
	if err != nil {
		t.Fatal(err)
	}
	return object(files, "example.csv.yaml", string(raw))
}
