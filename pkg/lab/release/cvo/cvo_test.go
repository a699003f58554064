package cvo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

const references1 = `{"kind":"ImageStream","apiVersion":"image.openshift.io/v1","metadata":{"name":"4.20.0-okd-lab.1"},
"spec":{"tags":[{"name":"etcd","from":{"kind":"DockerImage","name":"registry/okd/content@sha256:aa"}}]}}`

const included = "  annotations:\n    include.release.openshift.io/self-managed-high-availability: \"true\"\n"

// releaseRoot is the file system of a small release image.
func releaseRoot(t *testing.T) string {
	root := t.TempDir()
	for name, text := range map[string]string{
		"release-manifests/image-references": references1,
		"release-manifests/release-metadata": `{"kind":"cincinnati-metadata-v0"}`,
		"release-manifests/0000_50_b_deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: b\n" +
			"  namespace: ns\n" + included +
			"spec:\n  template:\n    spec:\n      containers:\n      - name: c\n        env:\n" +
			"        - {name: KUBERNETES_SERVICE_HOST, value: 127.0.0.1}\n" +
			"        - {name: KUBERNETES_SERVICE_PORT, value: \"6443\"}\n      - name: d\n        env:\n" +
			"        - {name: OTHER, value: x}\n",
		"release-manifests/0000_10_a_many.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n" + included +
			"---\napiVersion: config.openshift.io/v1\nkind: ClusterOperator\nmetadata:\n  name: a\n" + included,
		"release-manifests/0000_20_other-profile.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: never\n" +
			"  annotations:\n    include.release.openshift.io/single-node-developer: \"true\"\n",
		"manifests/0000_00_cvo.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: own\n" +
			"  namespace: openshift-cluster-version\n" + included +
			"data:\n  image: {{.ReleaseImage}}\n  profile: {{.ClusterProfile}}\n",
		"bootstrap/bootstrap-pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n" +
			"  name: bootstrap-cluster-version-operator\nspec:\n  containers:\n  - image: {{.ReleaseImage}}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestImage(t *testing.T) {
	root := releaseRoot(t)
	var out strings.Builder
	if err := command(root, &out).Run(t.Context(), []string{"image", "etcd"}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "registry/okd/content@sha256:aa" {
		t.Errorf("printed %q", out.String())
	}
	if err := command(root, &out).Run(t.Context(), []string{"image", "absent"}); err == nil ||
		!strings.Contains(err.Error(), `"absent"`) {
		t.Errorf("unknown tag: %v", err)
	}
}

func TestRender(t *testing.T) {
	root, out := releaseRoot(t), t.TempDir()
	t.Setenv("CLUSTER_PROFILE", "self-managed-high-availability")
	err := command(root, nil).Run(t.Context(), []string{"render", "--output-dir=" + out,
		"--release-image=registry/okd/release@sha256:bb",
		"--feature-gate-manifest-path=/assets/manifests/99_feature-gate.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"manifests/0000_00_cvo.yaml", "bootstrap/bootstrap-pod.yaml"} {
		got, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", filepath.Base(name)), got)
	}
	if err := command(root, nil).Run(t.Context(), []string{"render", "--output-dir=" + out, "--release-image=x",
		"--newer-flag=1"}); err == nil || !strings.Contains(err.Error(), "newer-flag") {
		t.Errorf("unknown flag: %v", err)
	}
	if err := command(root, nil).Run(t.Context(), []string{"render", "--output-dir=" + out}); err == nil ||
		!strings.Contains(err.Error(), "--release-image is required") {
		t.Errorf("missing flag: %v", err)
	}
}

// recorder is an API server that notes what it is asked and fails on demand.
type recorder struct {
	calls []string
	fail  map[string]error
	last  map[string]*unstructured.Unstructured
}

func (r *recorder) do(verb string, o *unstructured.Unstructured) error {
	call := verb + " " + o.GetKind() + "/" + o.GetName()
	r.calls = append(r.calls, call)
	if r.last == nil {
		r.last = map[string]*unstructured.Unstructured{}
	}
	r.last[o.GetName()] = o
	return r.fail[o.GetName()]
}

func (r *recorder) ApplyObject(_ context.Context, o *unstructured.Unstructured) error {
	return r.do("apply", o)
}
func (r *recorder) CreateObject(_ context.Context, o *unstructured.Unstructured) error {
	return r.do("create", o)
}

func TestPassAppliesByRunLevel(t *testing.T) {
	p, err := loadPayload(releaseRoot(t), "registry/okd/release@sha256:bb", profile())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{fail: map[string]error{"ns": errors.New("not now")}}
	a := applier{api: r, internal: "https://api-int.demo.okd.test:6443"}
	failed, causes := api.Pass(t.Context(), p.Manifests, a.put)
	want := []string{"apply ConfigMap/own", "apply Namespace/ns", "create ClusterOperator/a", "apply Deployment/b"}
	if !slices.Equal(r.calls, want) {
		t.Errorf("calls %q, want %q", r.calls, want)
	}
	if len(failed) != 1 || failed[0].Object.GetName() != "ns" ||
		!strings.Contains(causes[0].Error(), "0000_10_a_many.yaml: not now") {
		t.Errorf("failed %v: %v", failed, causes)
	}
	containers, _, _ := unstructured.NestedSlice(r.last["b"].Object, "spec", "template", "spec", "containers")
	env := containers[0].(map[string]any)["env"].([]any)
	if env[0].(map[string]any)["value"] != "api-int.demo.okd.test" || env[1].(map[string]any)["value"] != "6443" {
		t.Errorf("environment %v", env)
	}
	if p.Manifests[3].Object.GetName() == "b" {
		before, _, _ := unstructured.NestedSlice(p.Manifests[3].Object.Object, "spec", "template", "spec", "containers")
		if v := before[0].(map[string]any)["env"].([]any)[0].(map[string]any)["value"]; v != "127.0.0.1" {
			t.Errorf("the payload itself was changed: %v", v)
		}
	}
}

func TestOverrides(t *testing.T) {
	p, err := loadPayload(releaseRoot(t), "x", profile())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	a := applier{api: r, overrides: []configv1.ComponentOverride{
		{Kind: "Deployment", Group: "apps", Namespace: "ns", Name: "b", Unmanaged: true},
		{Kind: "Namespace", Name: "ns", Unmanaged: false},
		{Kind: "ConfigMap", Namespace: "other", Name: "own", Unmanaged: true},
	}}
	api.Pass(t.Context(), p.Manifests, a.put)
	want := []string{"apply ConfigMap/own", "apply Namespace/ns", "create ClusterOperator/a"}
	if !slices.Equal(r.calls, want) {
		t.Errorf("calls %q, want %q", r.calls, want)
	}
}

func statusOf(cv configv1.ClusterVersion, t string) string {
	for _, c := range cv.Status.Conditions {
		if string(c.Type) == t {
			return string(c.Status)
		}
	}
	return "absent"
}

func TestStatus(t *testing.T) {
	p := payload{Version: "4.20.0-okd-lab.1", Image: "registry/okd/release@sha256:bb"}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	starting := progress{Total: 40, Failed: 2, Err: errors.New("no namespace"), Waiting: []string{"etcd"},
		Reasons: []string{"etcd does not exist yet"}}
	stuck := starting
	stuck.Lasting = true
	var cv configv1.ClusterVersion
	cv.Generation = 3
	for _, c := range []struct {
		name                            string
		progress                        progress
		available, progressing, failing string
		state                           configv1.UpdateState
		message                         string
	}{
		{"starting", starting, "False", "True", "False", configv1.PartialUpdate, "etcd does not exist yet"},
		{"for long", stuck, "False", "True", "True", configv1.PartialUpdate, "2 of 40 manifests (no namespace)"},
		{"complete", progress{Total: 40}, "True", "False", "False", configv1.CompletedUpdate,
			"Cluster version is 4.20.0-okd-lab.1"},
		{"an operator goes away", progress{Total: 40, Waiting: []string{"dns"}, Reasons: []string{"dns: gone"}}, "True",
			"False", "False", configv1.CompletedUpdate, "Cluster version is"},
		{"and stays away", progress{Total: 40, Waiting: []string{"dns"}, Reasons: []string{"dns: gone"}, Lasting: true},
			"True", "False", "True", configv1.CompletedUpdate, "dns: gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			setStatus(&cv, p, 8, c.progress, now)
			a, g, f := statusOf(cv, "Available"), statusOf(cv, "Progressing"), statusOf(cv, "Failing")
			if a != c.available || g != c.progressing || f != c.failing {
				t.Errorf("available %s, progressing %s, failing %s", a, g, f)
			}
			if h := cv.Status.History; len(h) != 1 || h[0].State != c.state || h[0].Version != p.Version {
				t.Errorf("history %+v", h)
			}
			if m := find(cv.Status.Conditions, configv1.OperatorProgressing).Message; !strings.Contains(m, c.message) {
				t.Errorf("progressing message %q, want %q", m, c.message)
			}
			now = now.Add(time.Minute)
		})
	}
	if cv.Status.ObservedGeneration != 3 || cv.Status.Desired.Image != p.Image {
		t.Errorf("status %+v", cv.Status)
	}
	if got := find(cv.Status.Conditions, configv1.OperatorAvailable).LastTransitionTime.Minute(); got != 2 {
		t.Errorf("Available changed at minute %d, want 2: the status did not change later", got)
	}
}

func TestLookAtOperators(t *testing.T) {
	co := func(name string, status configv1.ConditionStatus) configv1.ClusterOperator {
		var o configv1.ClusterOperator
		o.Name = name
		if status != "" {
			o.Status.Conditions = []configv1.ClusterOperatorStatusCondition{{Type: configv1.OperatorAvailable,
				Status: status, Message: "m"}}
		}
		return o
	}
	waiting, reasons := lookAtOperators([]string{"a", "b", "c", "d"},
		[]configv1.ClusterOperator{co("a", "True"), co("b", "False"), co("c", ""), co("e", "False")})
	if !slices.Equal(waiting, []string{"b", "c", "d"}) {
		t.Errorf("waiting for %q", waiting)
	}
	if want := []string{"b: m", "c has not reported yet", "d does not exist yet"}; !slices.Equal(reasons, want) {
		t.Errorf("reasons %q", reasons)
	}
}
