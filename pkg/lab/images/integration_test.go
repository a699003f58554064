//go:build integration

package images

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/ociimage"
	"github.com/okd-install/okd-install/pkg/lab/release/apitest"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	kit "github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/metal"
	"github.com/okd-install/okd-install/pkg/lab/release/payload"
)

// TestReleaseOnRealAPIServer brings the whole payload to a real API server on
// loopback with the compiled operators, plays kubelet for their workloads, and
// waits for ClusterVersion.
func TestReleaseOnRealAPIServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	w := newWorld(ctx, t)
	programs := w.programs
	components, err := payload.Components("5.0.0-okd-lab.1")
	if err != nil {
		t.Fatal(err)
	}
	components = append(components, generated(Inputs{Version: "5.0.0-okd-lab.1", Stream: []byte("{}\n")})...)
	root, env := w.releaseRoot(components)
	w.create(ctx)

	w.start("cluster-version-operator", nil, programs.LabRelease, "cluster-version-operator", "start",
		"--release-image=registry/okd/release@sha256:bb", "--kubeconfig="+w.kubeconfig, "--root="+root)
	w.eventually(ctx, "network operator's Deployment", func() (bool, string) {
		o := w.get(ctx, "apps/v1", "Deployment", "openshift-network-operator", "network-operator")
		if o == nil {
			return false, "absent"
		}
		text := fmt.Sprint(o.Object)
		return strings.Contains(text, "value:api-int.demo.okd.test"), "API host not set in " + text
	})
	w.start("cluster-network-operator", append(env, "KUBECONFIG="+w.kubeconfig, "RELEASE_VERSION=5.0.0-okd-lab.1"),
		programs.LabRelease, "cluster-network-operator", "start")
	ours := []string{"network", "dns", "ingress", "console", "config-operator", metal.Name}
	for _, wl := range [][3]string{
		{"DaemonSet", "openshift-sdn", "network-node"}, {"DaemonSet", "openshift-multus", "multus"},
		{"DaemonSet", "openshift-multus", "multus-additional-cni-plugins"}, {"DaemonSet", "openshift-dns", "dns-default"},
		{"Deployment", "openshift-ingress", "router-default"}, {"Deployment", "openshift-console", "console"},
	} {
		w.eventually(ctx, strings.Join(wl[:], " "), func() (bool, string) {
			return w.get(ctx, "apps/v1", wl[0], wl[1], wl[2]) != nil, "absent"
		})
	}
	if a := w.available(ctx, "network"); a == "True" {
		t.Error("ClusterOperator network is Available without a pod")
	}
	w.playKubelet(ctx)
	w.eventually(ctx, "our ClusterOperators", func() (bool, string) {
		for _, name := range ours {
			if a := w.available(ctx, name); a != "True" {
				return false, name + " is " + a
			}
		}
		return true, ""
	})
	if w.available(ctx, "etcd") != "True" {
		// Others' operators do not run here.
		w.reportOthers(ctx, ours)
	}
	w.eventually(ctx, "ClusterVersion", func() (bool, string) {
		cv := w.get(ctx, "config.openshift.io/v1", "ClusterVersion", "", "version")
		conditions, _, _ := unstructured.NestedSlice(cv.Object, "status", "conditions")
		text := ""
		for _, c := range conditions {
			m := c.(map[string]any)
			text += fmt.Sprintf("%v=%v (%v) ", m["type"], m["status"], m["message"])
		}
		done := strings.Contains(text, "Available=True") && strings.Contains(text, "Progressing=False") &&
			strings.Contains(text, "Failing=False")
		return done, text
	})
	if cm := w.get(ctx, "v1", "ConfigMap", "openshift-config-managed", "default-ingress-cert"); cm == nil {
		t.Error("there is no default-ingress-cert")
	}
}

type world struct {
	t          *testing.T
	dir        string
	programs   Programs
	kubeconfig string
	client     *kit.Client
}

// newWorld compiles the programs and starts an API server.
func newWorld(ctx context.Context, t *testing.T) *world {
	t.Helper()
	source, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	cache := cmp.Or(os.Getenv("OKD_LAB_CACHE"), "/var/cache/okd-lab")
	programs, err := Binaries(ctx, source, cache, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	s := apitest.Start(ctx, t, programs.Etcd, programs.Hyperkube)
	return &world{t: t, dir: t.TempDir(), programs: programs, kubeconfig: s.Kubeconfig, client: s.Client}
}

// start runs a program until the test ends.
func (w *world) start(name string, env []string, program string, args ...string) {
	w.t.Helper()
	if program == w.programs.LabRelease {
		name = "okd-lab-release"
	}
	apitest.Run(w.t, name, env, program, args...)
}

func (w *world) write(name, text string) string {
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// releaseRoot lays the release image's files out in a directory, and returns
// the images in the environment of the network operator.
func (w *world) releaseRoot(components []component.Component) (string, []string) {
	specs := map[string]string{}
	for _, c := range components {
		specs[c.Tag] = "registry/okd/content@sha256:" + c.Tag
	}
	top, err := releaseManifests("5.0.0-okd-lab.1", components, specs)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(components, func(c component.Component) bool { return c.Tag == releaseBase })
	own, err := ownTree(components[i])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, tree := range []ociimage.Tree{top, own} {
		if err := tree.Extract(filepath.Join(w.dir, "root")); err != nil {
			w.t.Fatal(err)
		}
	}
	var env []string
	images := []string{
		"NETWORK_NODE_IMAGE", "MULTUS_IMAGE", "CNI_PLUGINS_IMAGE", "POD_IMAGE", "KUBE_PROXY_IMAGE", "COREDNS_IMAGE",
		"ROUTER_IMAGE", "CONSOLE_IMAGE",
	}
	for _, n := range images {
		env = append(env, n+"=registry/okd/content@sha256:"+n)
	}
	return filepath.Join(w.dir, "root"), env
}

// create makes what the installer and cluster-bootstrap bring.
func (w *world) create(ctx context.Context) {
	w.apply(ctx, "v1", "Namespace", "openshift-cluster-version", nil)
	w.define(ctx, crds.All())
	config := func(kind string, spec, status map[string]any) {
		w.eventually(ctx, kind, func() (bool, string) {
			o := object("config.openshift.io/v1", kind, "", "cluster", map[string]any{"spec": spec})
			if kind == "ClusterVersion" {
				o.SetName("version")
			}
			if err := w.client.ApplyObject(ctx, o); err != nil {
				return false, err.Error()
			}
			if status == nil {
				return true, ""
			}
			created := w.get(ctx, o.GetAPIVersion(), kind, "", o.GetName())
			created.Object["status"] = status
			err := w.client.Update(ctx, ref(o.GetAPIVersion(), kind, "", o.GetName()), "status", created)
			return err == nil, fmt.Sprint(err)
		})
	}
	config("Infrastructure", map[string]any{}, map[string]any{
		"apiServerInternalURI": "https://api-int.demo.okd.test:6443", "infrastructureTopology": "HighlyAvailable",
	})
	config("Network", map[string]any{
		"clusterNetwork": []any{map[string]any{"cidr": "198.19.0.0/17", "hostPrefix": int64(24)}},
		"serviceNetwork": []any{"198.19.128.0/17"}, "networkType": "OVNKubernetes",
	}, nil)
	config("Ingress", map[string]any{"domain": "apps.demo.okd.test"}, nil)
	config("DNS", map[string]any{"baseDomain": "demo.okd.test"}, nil)
	config("FeatureGate", map[string]any{}, nil)
	config("Proxy", map[string]any{}, nil)
	config("ClusterVersion", map[string]any{"clusterID": "7b3c1b0e-6d0b-4b5e-9a57-1f8a5c9d2e11"}, nil)
}

func object(apiVersion, kind, namespace, name string, rest map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: rest}
	if rest == nil {
		o.Object = map[string]any{}
	}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

func (w *world) apply(ctx context.Context, apiVersion, kind, name string, rest map[string]any) {
	w.t.Helper()
	if err := w.client.ApplyObject(ctx, object(apiVersion, kind, "", name, rest)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(ctx context.Context, apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	w.t.Helper()
	o := &unstructured.Unstructured{}
	err := w.client.Get(ctx, ref(apiVersion, kind, namespace, name), o)
	if kube.NotFound(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// ref names an object by the kind's English plural.
func ref(apiVersion, kind, namespace, name string) kube.Ref {
	gv, _ := schema.ParseGroupVersion(apiVersion)
	plural := strings.ToLower(kind) + "s"
	switch {
	case strings.HasSuffix(plural, "ss"):
		plural = strings.TrimSuffix(plural, "s") + "es"
	case strings.HasSuffix(plural, "ys"):
		plural = strings.TrimSuffix(plural, "ys") + "ies"
	}
	return kube.Kind{Group: gv.Group, Version: gv.Version, Plural: plural}.Ref(namespace, name)
}

func (w *world) available(ctx context.Context, name string) string {
	o := w.get(ctx, "config.openshift.io/v1", "ClusterOperator", "", name)
	if o == nil {
		return "absent"
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if m := c.(map[string]any); m["type"] == "Available" {
			return fmt.Sprint(m["status"])
		}
	}
	return "unreported"
}

// define makes the definitions of kinds.
func (w *world) define(ctx context.Context, kinds []crds.Kind) {
	w.eventually(ctx, "definitions", func() (bool, string) {
		for _, k := range kinds {
			data, err := k.Manifest()
			if err != nil {
				return false, err.Error()
			}
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(data, &o.Object); err != nil {
				return false, err.Error()
			}
			if err := w.client.CreateObject(ctx, o); err != nil {
				return false, err.Error()
			}
		}
		return true, ""
	})
}

// playKubelet reports every workload of the operands as running and the
// console's route as admitted.
func (w *world) playKubelet(ctx context.Context) {
	for name, ns := range map[string]string{
		"network-node": "openshift-sdn", "multus": "openshift-multus",
		"multus-additional-cni-plugins": "openshift-multus", "dns-default": "openshift-dns",
	} {
		w.status(ctx, "apps/v1", "DaemonSet", ns, name, map[string]any{
			"observedGeneration": int64(99), "desiredNumberScheduled": int64(5), "currentNumberScheduled": int64(5),
			"numberAvailable": int64(5), "numberReady": int64(5), "updatedNumberScheduled": int64(5),
			"numberMisscheduled": int64(0),
		})
	}
	for ns, name := range map[string]string{"openshift-ingress": "router-default", "openshift-console": "console"} {
		w.status(ctx, "apps/v1", "Deployment", ns, name, map[string]any{
			"observedGeneration": int64(99), "replicas": int64(2), "updatedReplicas": int64(2),
			"readyReplicas": int64(2), "availableReplicas": int64(2),
		})
	}
	w.status(ctx, "route.openshift.io/v1", "Route", "openshift-console", "console", map[string]any{
		"ingress": []any{map[string]any{
			"host": "console-openshift-console.apps.demo.okd.test", "routerName": "default",
			"conditions": []any{map[string]any{"type": "Admitted", "status": "True"}},
		}},
	})
}

// reportOthers reports the ClusterOperators of operators that do not run here.
func (w *world) reportOthers(ctx context.Context, ours []string) {
	var list configv1.ClusterOperatorList
	if err := w.client.List(ctx, kube.ClusterOperators, "", &list); err != nil {
		w.t.Fatal(err)
	}
	for _, o := range list.Items {
		if slices.Contains(ours, o.Name) {
			continue
		}
		s := operator.Status{Name: o.Name, Conditions: []operator.Condition{
			{Type: "Available", Status: true, Reason: operator.AsExpected},
			{Type: "Progressing", Reason: operator.AsExpected},
			{Type: "Degraded", Reason: operator.AsExpected},
		}}
		if err := operator.Report(ctx, w.client, s, time.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) status(ctx context.Context, apiVersion, kind, namespace, name string, status map[string]any) {
	w.t.Helper()
	w.eventually(ctx, "status of "+kind+" "+name, func() (bool, string) {
		o := w.get(ctx, apiVersion, kind, namespace, name)
		if o == nil {
			return false, "absent"
		}
		o.Object["status"] = status
		err := w.client.Update(ctx, ref(apiVersion, kind, namespace, name), "status", o)
		return err == nil, fmt.Sprint(err)
	})
}

func (w *world) eventually(ctx context.Context, what string, check func() (bool, string)) {
	w.t.Helper()
	apitest.Eventually(ctx, w.t, what, check)
}
