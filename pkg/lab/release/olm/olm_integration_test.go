//go:build integration

package olm

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/catalog"
	kit "github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/packages"
)

// variant is the example as another package.
func variant(t *testing.T, name string, files fs.FS, edit func(*v1alpha1.ClusterServiceVersion)) catalog.Bundle {
	t.Helper()
	return catalog.Bundle{
		Package: name, Channels: []string{"stable"}, DefaultChannel: "stable",
		Manifests: change(t, files, func(c *v1alpha1.ClusterServiceVersion) {
			c.Name = name + ".v0.1.0"
			spec := &c.Spec.InstallStrategy.StrategySpec
			for i := range spec.DeploymentSpecs {
				d := &spec.DeploymentSpecs[i]
				d.Name = name
				d.Spec.Template.Spec.Containers[0].Name = name
			}
			if edit != nil {
				edit(c)
			}
		}),
	}
}

// TestLifecycle installs operators from a catalog that the real opm serves, on a real
// API server, and has every failure.
func TestLifecycle(t *testing.T) {
	p := programs(t)
	if !reexec(t) {
		return
	}
	b := newBed(t, p)
	files, _ := example(t)
	path, none := "/validate", admissionv1.SideEffectClassNone
	variants := []catalog.Bundle{
		variant(t, "good", files, nil),
		variant(t, "unpullable", files, nil),
		variant(t, "stream", object(files, "stream.yaml",
			"apiVersion: image.openshift.io/v1\nkind: ImageStream\nmetadata: {name: stream}\n"), nil),
		variant(t, "hook", files, func(c *v1alpha1.ClusterServiceVersion) {
			c.Spec.WebhookDefinitions = []v1alpha1.WebhookDescription{{
				GenerateName: "validate.example.test", Type: v1alpha1.ValidatingAdmissionWebhook, DeploymentName: "hook",
				ContainerPort: 4343, SideEffects: &none, WebhookPath: &path, AdmissionReviewVersions: []string{"v1"},
				Rules: []admissionv1.RuleWithOperations{{
					Operations: []admissionv1.OperationType{admissionv1.Create},
					Rule: admissionv1.Rule{APIGroups: []string{"example.okd-lab.test"}, APIVersions: []string{"v1"},
						Resources: []string{"examples"}},
				}},
			}}
		}),
	}
	var list []catalog.Package
	for _, v := range variants {
		image := "quay.io/test/" + v.Package + "@sha256:" + strings.Repeat("0", 64)
		pkg, err := catalog.One(v, image)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, pkg)
		if v.Package != "unpullable" {
			b.bundles[image] = v.Manifests
		}
	}
	configs, err := catalog.Files(list)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range configs {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, p.OPM, "opm", "serve", dir, "--port=50051", "--cache-dir="+filepath.Join(t.TempDir(), "cache"),
		"--cache-enforce-integrity=false", "--termination-log="+filepath.Join(t.TempDir(), "log"))
	go b.kubelet(t.Context())
	b.manage()
	b.hub()
	b.packages()

	b.namespace("good")
	b.subscribe("good", "good", "")
	b.phase("good", v1alpha1.CSVPhaseSucceeded, v1alpha1.CSVReasonInstallSuccessful)
	b.state("good", func(s v1alpha1.SubscriptionStatus) bool {
		return s.State == v1alpha1.SubscriptionStateAtLatest && s.InstalledCSV == "good.v0.1.0"
	})
	b.namespace("unpullable")
	b.subscribe("unpullable", "unpullable", "")
	b.state("unpullable", func(s v1alpha1.SubscriptionStatus) bool {
		return s.GetCondition(v1alpha1.SubscriptionBundleUnpackFailed).Message ==
			"bundle unpacking failed. Reason: DeadlineExceeded, and Message: Job was active longer than specified deadline"
	})
	b.namespace("stream")
	b.subscribe("stream", "stream", "")
	b.state("stream", func(s v1alpha1.SubscriptionStatus) bool {
		return s.State == v1alpha1.SubscriptionStateFailed &&
			s.GetCondition(v1alpha1.SubscriptionInstallPlanFailed).Status == "True"
	})
	b.namespace("missing")
	b.subscribe("missing", "nothing", "")
	b.state("missing", func(s v1alpha1.SubscriptionStatus) bool {
		return s.GetCondition(v1alpha1.SubscriptionResolutionFailed).Reason == constraintsNotSatisfiable
	})
	// A webhook whose pod does not come up: the operator is waited for, and requests fail.
	b.notReady.Store("hook")
	b.namespace("hook")
	b.subscribe("hook", "hook", "")
	b.phase("hook", v1alpha1.CSVPhaseInstalling, v1alpha1.CSVReasonWaiting)
	b.eventually("the webhook", func() string {
		object, err := kit.Decode([]byte("apiVersion: example.okd-lab.test/v1\nkind: Example\n" +
			"metadata: {name: x, namespace: hook}\n"))
		if err != nil {
			t.Fatal(err)
		}
		err = b.kit.CreateNew(t.Context(), object[0])
		if err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
			return "a request was answered with " + text(err)
		}
		return ""
	})
	b.notReady.Store("")
	b.phase("hook", v1alpha1.CSVPhaseSucceeded, v1alpha1.CSVReasonInstallSuccessful)
	b.apply("apiVersion: operators.coreos.com/v1\nkind: OperatorGroup\n" +
		"metadata: {name: second, namespace: good}\nspec: {}\n")
	b.phase("good", v1alpha1.CSVPhaseFailed, v1alpha1.CSVReasonTooManyOperatorGroups)
	b.removal()
}

// manage starts the lifecycle manager.
func (b *bed) manage() {
	o := &Operator{
		Client: b.kit, Clock: clock.Real(), News: program.News{Log: program.Logger()}, Version: "5.0.0-okd-lab.1",
		Image: "olm", UnpackDeadline: time.Minute, packages: &packages.Server{Clock: clock.Real()},
		dial: func(_, _ string) string { return "127.0.0.1:50051" },
	}
	b.apply(`apiVersion: v1
kind: Namespace
metadata: {name: openshift-operator-lifecycle-manager}
---
apiVersion: v1
kind: Namespace
metadata: {name: openshift-marketplace}
---
apiVersion: v1
kind: Service
metadata: {name: packageserver-service, namespace: openshift-operator-lifecycle-manager}
spec: {ports: [{port: 5443, targetPort: 5443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: packageserver-service
  namespace: openshift-operator-lifecycle-manager
  labels: {kubernetes.io/service-name: packageserver-service}
addressType: IPv4
endpoints: [{addresses: [` + address + `], conditions: {ready: true}}]
ports: [{port: 5443, protocol: TCP}]
`)
	ctx := b.Context()
	go func() {
		if err := o.servePackages(ctx, ":5443"); err != nil {
			b.Errorf("serve packages: %v", err)
		}
	}()
	go func() {
		if err := o.Run(ctx); err != nil && ctx.Err() == nil {
			b.Errorf("run: %v", err)
		}
	}()
}

// hub checks the default catalogs and the cluster operators.
func (b *bed) hub() {
	b.Helper()
	b.apply("apiVersion: config.openshift.io/v1\nkind: OperatorHub\nmetadata: {name: cluster}\n" +
		"spec: {disableAllDefaultSources: true, sources: [{name: community-operators, disabled: false}]}\n")
	b.eventually("the catalog", func() string {
		var c v1alpha1.CatalogSource
		if err := b.kit.Get(b.Context(), catalogSources.Ref(marketplaceNamespace, "community-operators"), &c); err != nil {
			return err.Error()
		}
		if !healthy(&c) {
			return "no connection"
		}
		return ""
	})
	for _, name := range strings.Fields("marketplace operator-lifecycle-manager operator-lifecycle-manager-catalog " +
		"operator-lifecycle-manager-packageserver") {
		b.eventually("ClusterOperator "+name, func() string {
			var co configv1.ClusterOperator
			if err := b.kit.Get(b.Context(), kube.ClusterOperators.Ref("", name), &co); err != nil {
				return err.Error()
			}
			for _, c := range co.Status.Conditions {
				if c.Type == configv1.OperatorAvailable && c.Status == configv1.ConditionTrue && len(co.Status.Versions) == 1 {
					return ""
				}
			}
			return "not Available"
		})
	}
}

// packages asks the API server for PackageManifests.
func (b *bed) packages() {
	b.Helper()
	manifests := kube.Kind{Group: packages.Group, Version: packages.Version, Plural: "packagemanifests"}
	b.eventually("PackageManifests", func() string {
		var m packages.Manifest
		if err := b.kit.Get(b.Context(), manifests.Ref("default", "good"), &m); err != nil {
			return err.Error()
		}
		if m.Status.DefaultChannel != "stable" || m.Status.Channels[0].CurrentCSV != "good.v0.1.0" ||
			m.Status.Channels[0].CurrentCSVDesc.DisplayName != "Example" {
			b.Fatalf("manifest %+v", m)
		}
		return ""
	})
}

func (b *bed) namespace(name string) {
	b.Helper()
	b.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}\n---\n" +
		"apiVersion: operators.coreos.com/v1\nkind: OperatorGroup\n" +
		"metadata: {name: group, namespace: " + name + "}\nspec: {}\n")
}

func (b *bed) subscribe(namespace, pkg, more string) {
	b.Helper()
	b.apply("apiVersion: operators.coreos.com/v1alpha1\nkind: Subscription\n" +
		"metadata: {name: sub, namespace: " + namespace + "}\nspec:\n  name: " + pkg + "\n  channel: stable\n" +
		"  source: community-operators\n  sourceNamespace: openshift-marketplace\n" + more)
}

// phase waits for the CSV of the package that its namespace is named after.
func (b *bed) phase(name string, phase v1alpha1.ClusterServiceVersionPhase, reason v1alpha1.ConditionReason) {
	b.Helper()
	b.eventually("CSV of "+name, func() string {
		var c v1alpha1.ClusterServiceVersion
		if err := b.kit.Get(b.Context(), serviceVersion.Ref(name, name+".v0.1.0"), &c); err != nil {
			return err.Error()
		}
		if c.Status.Phase != phase || c.Status.Reason != reason {
			return string(c.Status.Phase) + " " + string(c.Status.Reason) + ": " + c.Status.Message
		}
		return ""
	})
}

func (b *bed) state(namespace string, holds func(v1alpha1.SubscriptionStatus) bool) {
	b.Helper()
	b.eventually("subscription in "+namespace, func() string {
		var s v1alpha1.Subscription
		if err := b.kit.Get(b.Context(), subscriptions.Ref(namespace, "sub"), &s); err != nil {
			return err.Error()
		}
		if !holds(s.Status) {
			var out []string
			for _, c := range s.Status.Conditions {
				out = append(out, string(c.Type)+"="+string(c.Status)+" "+c.Reason+" "+c.Message)
			}
			return string(s.Status.State) + ": " + strings.Join(out, "; ")
		}
		return ""
	})
}

// removal deletes an operator: what it owned goes, its definition stays.
func (b *bed) removal() {
	b.Helper()
	ctx := b.Context()
	for _, ref := range []kube.Ref{subscriptions.Ref("hook", "sub"), serviceVersion.Ref("hook", "hook.v0.1.0")} {
		if err := b.kit.Delete(ctx, ref); err != nil {
			b.Fatal(err)
		}
	}
	b.eventually("removal", func() string {
		for _, ref := range []kube.Ref{
			serviceVersion.Ref("hook", "hook.v0.1.0"), deployments.Ref("hook", "hook"),
			kit.ServiceAccounts.Ref("hook", "example-operator"),
		} {
			if err := b.kit.Get(ctx, ref, new(any)); !kube.NotFound(err) {
				return ref.String() + " is there: " + text(err)
			}
		}
		for _, k := range []kube.Kind{validating, clusterRoles} {
			all, err := list[metav1.PartialObjectMetadata](ctx, b.kit, k, "")
			if err != nil {
				return err.Error()
			}
			for _, o := range all {
				if o.Labels["olm.owner.namespace"] == "hook" {
					return k.Plural + " " + o.Name + " is there"
				}
			}
		}
		return ""
	})
	if err := b.kit.Get(ctx, definitions.Ref("", "examples.example.okd-lab.test"), new(any)); err != nil {
		b.Errorf("the definition is gone: %v", err)
	}
}
