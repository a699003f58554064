//go:build integration

package bundle

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/cdi"
	"github.com/okd-install/okd-install/pkg/lab/virt/cnao"
	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/hpp"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/hook"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
	"github.com/okd-install/okd-install/pkg/pki"
)

// site is the operators on an API server.
type site struct {
	*testing.T
	client *api.Client
}

func (s site) apply(text string) {
	s.Helper()
	all, err := api.Decode([]byte(text))
	if err != nil {
		s.Fatal(err)
	}
	for _, u := range all {
		eventually(s.T, "apply "+u.GetKind()+" "+u.GetName(), func(ctx context.Context) string {
			return said(s.client.ApplyObject(ctx, u))
		})
	}
}

func (s site) get(k kube.Kind, namespace, name string) object.Object {
	u, err := control.Find(s.Context(), s.client, k, namespace, name)
	if err != nil || u == nil {
		return nil
	}
	return u.Object
}

func (s site) status(k kube.Kind, namespace, name, subresource, text string) {
	s.Helper()
	var patch object.Object
	if err := yaml.Unmarshal([]byte(text), &patch); err != nil {
		s.Fatal(err)
	}
	eventually(s.T, "status of "+name, func(ctx context.Context) string {
		return said(s.client.Patch(ctx, k.Ref(namespace, name), subresource, map[string]any{"status": patch}))
	})
}

// hc waits until the HyperConverged's condition has a status and a reason.
func (s site) hc(kind, status, reason string) {
	s.Helper()
	eventually(s.T, "condition "+kind, func(context.Context) string {
		o := s.get(hco.HyperConvergeds.Kind, hco.Namespace, hco.Name)
		c, _ := object.Find(object.Conditions(object.List(o, "status.conditions")), kind)
		if c.Status != status || c.Reason != reason {
			return fmt.Sprintf("%s=%s (%s: %s), want %s (%s)", kind, c.Status, c.Reason, c.Message, status, reason)
		}
		return ""
	})
}

// webhooks has the API server ask the webhooks of a test's process.
func (s site) webhooks(r hco.Release) {
	s.Helper()
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "webhooks"}, pki.Day)
	if err != nil {
		s.Fatal(err)
	}
	config, err := certs.ServerConfig(ca, time.Now(), []string{"webhooks"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		s.Fatal(err)
	}
	w := &hco.Webhook{Client: s.client, Release: r, Log: program.Logger()}
	server := hook.Server("127.0.0.1:4343", hook.Certificate{}, w.Handler())
	server.TLSConfig = config
	go func() { _ = program.Serve(s.Context(), server) }()
	for kind, h := range map[string][3]string{
		"ValidatingWebhookConfiguration": {"validate-hco.kubevirt.io", hco.ValidatePath, `["CREATE","UPDATE","DELETE"]`},
		"MutatingWebhookConfiguration":   {"mutate-hyperconverged-hco.kubevirt.io", hco.MutatePath, `["CREATE","UPDATE"]`},
	} {
		s.apply(fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: %s
metadata: {name: %s}
webhooks:
- name: %s
  clientConfig: {url: "https://127.0.0.1:4343%s", caBundle: %s}
  rules: [{apiGroups: [hco.kubevirt.io], apiVersions: [v1beta1], resources: [hyperconvergeds], operations: %s}]
  sideEffects: None
  admissionReviewVersions: [v1]
`, kind, h[0], h[0], h[1], base64.StdEncoding.EncodeToString(ca.Cert), h[2]))
	}
}

func (s site) run(what string, f func(context.Context) error) {
	go func() {
		if err := f(s.Context()); err != nil && s.Context().Err() == nil {
			s.Errorf("%s: %v", what, err)
		}
	}()
}

// TestOperators takes a HyperConverged to health and back, and a DataVolume to its disk.
func TestOperators(t *testing.T) {
	p := programs(t)
	if reexec(t) {
		return
	}
	begin := time.Now()
	step := func(what string) { t.Logf("%5.1fs %s", time.Since(begin).Seconds(), what) }
	s := site{t, bed(t, p)}
	r, err := hco.For("1.17.3")
	if err != nil {
		t.Fatal(err)
	}
	r.KubeVirt = "v1.7.0"
	files, err := Bundle(r.Version, stand(), Images{Virt: "registry/virt@sha256:1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range write(t, files, t.TempDir()) {
		if err := s.client.ApplyObject(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	s.apply(`{apiVersion: v1, kind: Namespace, metadata: {name: kubevirt-hyperconverged}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: openshift}}
---
apiVersion: v1
kind: Node
metadata: {name: node-a, labels: {node-role.kubernetes.io/worker: "", node-role.kubernetes.io/master: ""}}
`)
	step("API with the bundle's kinds")
	log, clk, ns := program.Logger(), clock.Real(), hco.Namespace
	s.run("hco", (&hco.Operator{Client: s.client, Clock: clk, Log: log, Release: r}).Run)
	s.run("cdi", (&cdi.Operator{
		Client: s.client, Clock: clk, Log: log, Version: r.CDI, Namespace: ns, Image: "i", Importer: "i",
	}).Run)
	s.run("cnao", (&cnao.Operator{
		Client: s.client, Clock: clk, Log: log, Version: r.NetworkAddons, Namespace: ns, Image: "i", Plugins: "/p",
	}).Run)
	s.run("ssp", (&ssp.Operator{Client: s.client, Clock: clk, Log: log, Version: r.SSP}).Run)
	s.webhooks(r)
	eventually(t, "the priority class", func(context.Context) string {
		if s.get(priorityClasses, "", control.PriorityClass) == nil {
			return "not there"
		}
		return ""
	})
	step("priority class without a HyperConverged")

	refused(s)
	// Created, not applied: the API server refuses to apply what it would prune.
	all, err := api.Decode([]byte(hyperConverged("{noSuchField: 1}")))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "create the HyperConverged", func(ctx context.Context) string {
		return said(s.client.CreateNew(ctx, all[0]))
	})
	s.hc("Progressing", "True", "NetworkAddonsConfigProgressing") // the last child with news is named
	s.hc("ReconcileComplete", "True", "ReconcileCompleted")
	step("children")
	kv := s.get(hco.KubeVirts.Kind, ns, "kubevirt-"+hco.Name)
	if eviction := object.String(kv, "spec.configuration.evictionStrategy"); eviction != "None" ||
		object.Get(kv, "spec.infra.replicas") != int64(1) {
		t.Errorf("a single node's KubeVirt: %v %v", eviction, object.Get(kv, "spec.infra"))
	}
	if hc := s.get(hco.HyperConvergeds.Kind, ns, hco.Name); object.Get(hc, "spec.noSuchField") != nil ||
		object.Get(hc, "spec.liveMigrationConfig.progressTimeout") != int64(150) {
		t.Errorf("pruning and defaults: %v", object.Map(hc, "spec"))
	}

	available := "{conditions: [{type: Available, status: 'True', reason: AllComponentsReady}, " +
		"{type: Progressing, status: 'False'}, {type: Degraded, status: 'False'}], observedKubeVirtVersion: v1.7.0}"
	s.status(control.DaemonSets, ns, "bridge-marker", "status",
		"{observedGeneration: 9, desiredNumberScheduled: 1, currentNumberScheduled: 1, numberReady: 1, "+
			"numberMisscheduled: 0, numberAvailable: 1, updatedNumberScheduled: 1}")
	s.status(control.Deployments, ns, "cdi-deployment", "status",
		"{observedGeneration: 9, replicas: 1, availableReplicas: 1, updatedReplicas: 1, readyReplicas: 1}")
	s.hc("Available", "False", "KubeVirtConditions")
	s.status(hco.KubeVirts.Kind, ns, "kubevirt-"+hco.Name, "status",
		"{conditions: [{type: Available, status: 'False', message: deploying}, "+
			"{type: Progressing, status: 'True', message: busy}, {type: Degraded, status: 'False'}]}")
	s.hc("Available", "False", "KubeVirtNotAvailable")
	s.hc("Progressing", "True", "KubeVirtProgressing")
	s.status(hco.KubeVirts.Kind, ns, "kubevirt-"+hco.Name, "status", available)
	s.hc("Available", "True", "ReconcileCompleted")
	s.hc("Progressing", "False", "ReconcileCompleted")
	s.hc("Upgradeable", "True", "ReconcileCompleted")
	step("healthy")
	hc := s.get(hco.HyperConvergeds.Kind, ns, hco.Name)
	if object.String(hc, "status.systemHealthStatus") != "healthy" || len(object.List(hc, "status.relatedObjects")) != 4 ||
		object.Get(hc, "status.observedGeneration") != object.Get(hc, "metadata.generation") {
		t.Errorf("status %v", object.Map(hc, "status"))
	}
	quiet(s)
	step("nothing is written while nothing changes")

	if err := s.client.Patch(t.Context(), hco.KubeVirts.Ref(ns, "kubevirt-"+hco.Name), "",
		map[string]any{"spec": map[string]any{"configuration": map[string]any{"cpuModel": "mine"}}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the edit to be undone", func(context.Context) string {
		return object.String(s.get(hco.KubeVirts.Kind, ns, "kubevirt-"+hco.Name), "spec.configuration.cpuModel")
	})
	patch := map[string]any{"kubevirt.kubevirt.io/jsonpatch": `[{"op":"add","path":"/spec/configuration/cpuModel",` +
		`"value":"Nehalem"}]`}
	if err := s.client.Patch(t.Context(), hco.HyperConvergeds.Ref(ns, hco.Name), "",
		map[string]any{"metadata": map[string]any{"annotations": patch}}); err != nil {
		t.Fatal(err)
	}
	s.hc("TaintedConfiguration", "True", "UnsupportedFeatureAnnotation")
	step("edits undone, patches seen")
	golden(s)
	step("golden images' sources and crons")
	disk(s)
	step("a disk")
	if err := s.client.Delete(t.Context(), hco.HyperConvergeds.Ref(ns, hco.Name)); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []kube.Ref{
		hco.KubeVirts.Ref(ns, "kubevirt-"+hco.Name), hco.SSPs.Ref(ns, "ssp-"+hco.Name), hco.NetworkAddons.Ref("", "cluster"),
	} {
		eventually(t, "removal", func(context.Context) string {
			if s.get(ref.Kind, ref.Namespace, ref.Name) != nil {
				return ref.String() + " is there"
			}
			return ""
		})
	}
	if s.get(hco.HyperConvergeds.Kind, ns, hco.Name) == nil {
		t.Error("the HyperConverged went although there is a DataVolume")
	}
	if err := s.client.Delete(t.Context(), dataVolumes.Ref("default", "blank")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the HyperConverged to go", func(context.Context) string {
		if s.get(hco.HyperConvergeds.Kind, ns, hco.Name) != nil {
			return "still there"
		}
		return ""
	})
	step("removed")
}

func hyperConverged(spec string) string {
	return "{apiVersion: hco.kubevirt.io/v1beta1, kind: HyperConverged, " +
		"metadata: {name: kubevirt-hyperconverged, namespace: kubevirt-hyperconverged}, spec: " + spec + "}"
}

// refused are HyperConvergeds that schema or webhook do not take.
func refused(s site) {
	const affinity = "{workloads: {nodePlacement: {affinity: {nodeAffinity: " +
		"{requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: " +
		"[{key: a, operator: Like, values: [b]}]}]}}}}}}"
	for spec, want := range map[string]string{
		"{evictionStrategy: Sometimes}":                                 "Unsupported value",
		"{certConfig: {ca: {duration: 1m}}}":                            "value is too small",
		"{kubeMacPoolConfiguration: {rangeStart: '02:00:00:00:00:00'}}": "both rangeStart and rangeEnd",
		"{higherWorkloadDensity: {memoryOvercommitPercentage: 5}}":      "greater than or equal to 10",
		"{tuningPolicy: annotation}":                                    "annotation not present or wrong",
		affinity:                                                        "invalid workloads node placement affinity",
	} {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(hyperConverged(spec)), &u.Object); err != nil {
			s.Fatal(err)
		}
		var last error
		eventually(s.T, "webhooks", func(ctx context.Context) string {
			last = s.client.ApplyObject(ctx, u)
			if last != nil && strings.Contains(last.Error(), "failed calling webhook") {
				return last.Error()
			}
			return ""
		})
		if last == nil || !strings.Contains(last.Error(), want) {
			s.Errorf("%s: got %v, want %q", spec, last, want)
		}
	}
}

// quiet fails if an object changes although nobody changes anything.
func quiet(s site) {
	versions := func() string {
		out := ""
		for _, ref := range []kube.Ref{
			hco.HyperConvergeds.Ref(hco.Namespace, hco.Name), hco.KubeVirts.Ref(hco.Namespace, "kubevirt-"+hco.Name),
			hco.CDIs.Ref("", "cdi-"+hco.Name), hco.SSPs.Ref(hco.Namespace, "ssp-"+hco.Name),
			hco.NetworkAddons.Ref("", "cluster"),
		} {
			out += object.String(s.get(ref.Kind, ref.Namespace, ref.Name), "metadata.resourceVersion") + " "
		}
		return out
	}
	before := ""
	eventually(s.T, "quiet", func(context.Context) string {
		before = versions()
		time.Sleep(2 * time.Second)
		if now := versions(); now != before {
			return before + "became " + now
		}
		return ""
	})
}

var (
	dataVolumes = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "datavolumes"}
	dataSources = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "datasources"}
	crons       = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "dataimportcrons"}

	priorityClasses = kube.Kind{Group: "scheduling.k8s.io", Version: "v1", Plural: "priorityclasses"}
)

func conditionOf(o object.Object, kind string) object.Condition {
	c, _ := object.Find(object.Conditions(object.List(o, "status.conditions")), kind)
	return c
}

// golden: a cron per template. Without a class for their volumes they stay as they are.
func golden(s site) {
	c := &cdi.Controller{Client: s.client, Clock: clock.Real(), Log: program.Logger(), Image: "i",
		Digest: func(context.Context, string, []byte) (string, error) {
			return "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", nil
		}}
	s.run("cdi controller", c.Run)
	eventually(s.T, "crons", func(context.Context) string {
		all, err := control.All[object.Object](s.Context(), s.client, crons, ssp.Images)
		if err != nil || len(all) != 3 {
			return fmt.Sprintf("%d crons, %v", len(all), err)
		}
		for _, o := range all {
			if c := conditionOf(o, "UpToDate"); c.Status != "False" || c.Reason == "" {
				return fmt.Sprintf("%s: %+v", object.String(o, "metadata.name"), c)
			}
		}
		return ""
	})
	eventually(s.T, "an import without a class", func(context.Context) string {
		o := s.get(dataVolumes, ssp.Images, "fedora-0123456789ab")
		if c := conditionOf(o, "Bound"); c.Reason != "ErrClaimNotValid" || !strings.Contains(c.Message, "no storageClass") {
			return fmt.Sprintf("%+v", c)
		}
		return ""
	})
	eventually(s.T, "a source without an image", func(context.Context) string {
		if c := conditionOf(s.get(dataSources, ssp.Images, "win11"), "Ready"); c.Status != "False" || c.Reason != "NotFound" {
			return fmt.Sprintf("%+v", c)
		}
		return ""
	})
}

// disk takes a blank DataVolume by its prime to a bound claim; the test is the pod.
func disk(s site) {
	p := &hpp.Provisioner{Client: s.client, Clock: clock.Real(), Log: program.Logger(), Node: "node-a",
		Pools: map[string]string{"local": "/pool"}, Root: s.TempDir()}
	s.run("provisioner", p.Run)
	s.apply(`
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: hpp, annotations: {storageclass.kubevirt.io/is-default-virt-class: "true"}}
provisioner: kubevirt.io.hostpath-provisioner
parameters: {storagePool: local}
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: {name: blank, namespace: default, annotations: {cdi.kubevirt.io/storage.bind.immediate.requested: ""}}
spec: {source: {blank: {}}, storage: {resources: {requests: {storage: 100Mi}}}}
`)
	var claim, prime *corev1.PersistentVolumeClaim
	eventually(s.T, "the claim and its prime", func(ctx context.Context) string {
		find := func(name string) (*corev1.PersistentVolumeClaim, error) {
			return control.FindAs[corev1.PersistentVolumeClaim](ctx, s.client, control.Claims, "default", name)
		}
		var err error
		if claim, err = find("blank"); err != nil || claim == nil {
			return fmt.Sprintf("no claim %v: %+v", err, object.Map(s.get(dataVolumes, "default", "blank"), "status"))
		}
		if prime, err = find("prime-" + string(claim.UID)); err != nil || prime == nil {
			return "no prime"
		}
		return ""
	})
	if got := claim.Spec.Resources.Requests.Storage().Value(); got != 107<<20 ||
		claim.Spec.AccessModes[0] != corev1.ReadWriteOnce {
		s.Errorf("claim of %d bytes %v, want room for a file system", got, claim.Spec.AccessModes)
	}
	// The scheduler's part.
	scheduled := map[string]any{"volume.kubernetes.io/selected-node": "node-a"}
	if err := s.client.Patch(s.Context(), control.Claims.Ref("default", prime.Name), "",
		map[string]any{"metadata": map[string]any{"annotations": scheduled}}); err != nil {
		s.Fatal(err)
	}
	pod := "importer-" + prime.Name
	s.pod(pod, "Running", "ready: true, restartCount: 0, state: {running: {}}")
	s.volume("ImportInProgress", "Running", "True", "Pod is running")
	s.pod(pod, "Running", "ready: false, restartCount: 2, state: {waiting: {reason: CrashLoopBackOff}}, "+
		"lastState: {terminated: {exitCode: 1, reason: Error, message: 'Unable to process data: no'}}")
	s.volume("ImportInProgress", "Running", "False", "Error")
	if o := s.get(dataVolumes, "default", "blank"); object.Get(o, "status.restartCount") != int64(2) ||
		conditionOf(o, "Running").Message != "Unable to process data: no" {
		s.Errorf("status %v", object.Map(o, "status"))
	}
	s.pod(pod, "Succeeded", "ready: false, restartCount: 2, "+
		`state: {terminated: {exitCode: 0, reason: Completed, message: '{"message":"Import Complete"}'}}`)
	s.volume("Succeeded", "Ready", "True", "")
	s.volume("Succeeded", "Bound", "True", "Bound")
	eventually(s.T, "the prime to go", func(context.Context) string {
		if u := s.get(control.Claims, "default", prime.Name); u != nil {
			return "there is " + object.String(u, "status.phase")
		}
		return ""
	})
}

// pod gives the importer's pod a phase and its container a status.
func (s site) pod(name, phase, container string) {
	s.Helper()
	eventually(s.T, "pod "+name, func(context.Context) string {
		if s.get(kube.Pods, "default", name) == nil {
			return "not there"
		}
		return ""
	})
	s.status(kube.Pods, "default", name, "status", "{phase: "+phase+
		", containerStatuses: [{name: importer, image: i, imageID: i, "+container+"}]}")
}

func (s site) volume(phase, kind, status, reason string) {
	s.Helper()
	eventually(s.T, "DataVolume "+phase, func(context.Context) string {
		o := s.get(dataVolumes, "default", "blank")
		c := conditionOf(o, kind)
		if object.String(o, "status.phase") != phase || c.Status != status || c.Reason != reason {
			return fmt.Sprintf("%s %+v", object.String(o, "status.phase"), c)
		}
		return ""
	})
}
