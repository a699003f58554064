package hco

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/hook"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// Paths of the webhooks, as the bundle names them.
const (
	ValidatePath  = "/validate-hco-kubevirt-io-v1beta1-hyperconverged"
	MutatePath    = "/mutate-hco-kubevirt-io-v1beta1-hyperconverged"
	NamespacePath = "/mutate-ns-hco-kubevirt-io"
	// WebhookPort is where they are served.
	WebhookPort = 4343
)

// dryRunTime bounds the trial of a change on the children.
const dryRunTime = 3 * time.Second

// Webhook looks at HyperConvergeds before the API server takes them.
type Webhook struct {
	Client    *api.Client
	Release   Release
	Emulation bool
	Log       *slog.Logger
}

// Handler serves the webhooks by path.
func (w *Webhook) Handler() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(ValidatePath, hook.Admission(w.Validate))
	mux.Handle(MutatePath, hook.Admission(w.Mutate))
	mux.Handle(NamespacePath, hook.Admission(w.DeleteNamespace))
	mux.Handle(ConvertPath, hook.Conversion(w.Release.Convert))
	return mux
}

func read(raw []byte) (object.Object, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("failed to parse the HyperConverged: %w", err)
	}
	m, ok := object.Plain(v).(map[string]any)
	if !ok {
		return nil, errors.New("failed to parse the HyperConverged")
	}
	return m, nil
}

// Mutate fills in what depends on the cluster.
func (w *Webhook) Mutate(_ context.Context, r *admissionv1.AdmissionRequest) (hook.Answer, error) {
	if r.Operation != admissionv1.Create && r.Operation != admissionv1.Update {
		return hook.Answer{}, nil
	}
	hc, err := read(r.Object.Raw)
	if err != nil {
		return hook.Answer{}, err
	}
	var out []hook.Patch
	add := func(path string, v any) { out = append(out, hook.Patch{Op: "add", Path: path, Value: v}) }
	for i, v := range object.List(hc, "spec.dataImportCronTemplates") {
		t, _ := v.(map[string]any)
		path := fmt.Sprintf("/spec/dataImportCronTemplates/%d/metadata", i)
		annotations := object.Map(t, "metadata.annotations")
		switch _, set := annotations[immediateBinding]; {
		case object.Map(t, "metadata") == nil:
			add(path, object.Object{"annotations": object.Object{immediateBinding: "true"}})
		case annotations == nil:
			add(path+"/annotations", object.Object{immediateBinding: "true"})
		case !set:
			add(path+"/annotations/"+pointer(immediateBinding), "true")
		}
	}
	// At first the status does not say what the cluster is: the operator's first write brings the default.
	if high, known := object.Get(hc, "status.infrastructureHighlyAvailable").(bool); known &&
		object.Get(hc, "spec.evictionStrategy") == nil {
		strategy := "None"
		if high {
			strategy = "LiveMigrate"
		}
		add("/spec/evictionStrategy", strategy)
	}
	renamed := func(path string, from object.Object) {
		old := object.List(from, "mediatedDevicesTypes")
		if len(old) > 0 && len(object.List(from, "mediatedDeviceTypes")) == 0 {
			add(path+"/mediatedDeviceTypes", old)
		}
	}
	renamed("/spec/mediatedDevicesConfiguration", object.Map(hc, "spec.mediatedDevicesConfiguration"))
	for i, v := range object.List(hc, "spec.mediatedDevicesConfiguration.nodeMediatedDeviceTypes") {
		n, _ := v.(map[string]any)
		renamed(fmt.Sprintf("/spec/mediatedDevicesConfiguration/nodeMediatedDeviceTypes/%d", i), n)
	}
	if r.Operation == admissionv1.Create && object.Get(hc, "spec.ksmConfiguration") == nil {
		if object.Map(hc, "spec") == nil {
			add("/spec", object.Object{})
		}
		add("/spec/ksmConfiguration", object.Object{})
	}
	return hook.Answer{Patches: out}, nil
}

func pointer(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// DeleteNamespace keeps the namespace while there is a HyperConverged in it.
func (w *Webhook) DeleteNamespace(ctx context.Context, r *admissionv1.AdmissionRequest) (hook.Answer, error) {
	if r.Operation != admissionv1.Delete || r.Name != Namespace {
		return hook.Answer{}, nil
	}
	hc, err := control.Find(ctx, w.Client, HyperConvergeds.Kind, Namespace, Name)
	if err == nil && hc != nil {
		err = errors.New("HyperConverged CR is still present, please remove it before deleting the containing hcoNamespace")
	}
	return hook.Answer{}, err
}

// Validate refuses what the children could not be made of.
func (w *Webhook) Validate(ctx context.Context, r *admissionv1.AdmissionRequest) (hook.Answer, error) {
	var answer hook.Answer
	switch r.Operation {
	case admissionv1.Create:
		hc, err := read(r.Object.Raw)
		if err != nil {
			return answer, err
		}
		if err := certificates(hc); err != nil {
			return answer, err
		}
		if err := check(hc); err != nil {
			return answer, err
		}
		answer.Warnings = warnings(hc, nil)
		_, err = w.childrenOf(ctx, hc)
		return answer, err
	case admissionv1.Update:
		hc, err := read(r.Object.Raw)
		if err != nil {
			return answer, err
		}
		old, err := read(r.OldObject.Raw)
		if err != nil {
			return answer, err
		}
		if err := check(hc); err != nil {
			return answer, err
		}
		answer.Warnings = warnings(hc, old)
		if control.Same(hc["spec"], old["spec"]) &&
			control.Same(object.Get(hc, "metadata.annotations"), object.Get(old, "metadata.annotations")) {
			return answer, nil
		}
		if err := certificates(hc); err != nil {
			return answer, err
		}
		children, err := w.childrenOf(ctx, hc)
		if err == nil {
			err = w.tryUpdates(ctx, children)
		}
		return answer, err
	case admissionv1.Delete:
		return answer, w.tryDelete(ctx)
	}
	return answer, fmt.Errorf("unknown operation request %q", r.Operation)
}

func (w *Webhook) childrenOf(ctx context.Context, hc object.Object) ([]object.Object, error) {
	placement, err := placementOf(hc)
	if err != nil {
		return nil, err
	}
	cluster, err := ReadCluster(ctx, w.Client, placement)
	if err != nil {
		return nil, err
	}
	cluster.Emulation = w.Emulation
	o := Operator{Release: w.Release}
	var out []object.Object
	for _, x := range o.operands() {
		child, err := x.want(hc, cluster)
		if err != nil {
			return nil, err
		}
		out = append(out, child)
	}
	return out, nil
}

// tryUpdates asks the API server, and with it the children's own webhooks, without changing anything.
func (w *Webhook) tryUpdates(ctx context.Context, children []object.Object) error {
	client, err := w.Client.Watcher()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dryRunTime)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range children {
		want := &unstructured.Unstructured{Object: c}
		g.Go(func() error {
			for _, k := range []control.Kind{KubeVirts, CDIs, NetworkAddons, SSPs} {
				if k.Name != want.GetKind() {
					continue
				}
				have, err := control.Find(ctx, w.Client, k.Kind, want.GetNamespace(), want.GetName())
				if err != nil || have == nil {
					return err
				}
				have.Object["spec"] = want.Object["spec"]
				_, err = objects(client, k.Kind, want.GetNamespace()).Update(ctx, have,
					metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

// tryDelete asks whether KubeVirt and CDI would let go.
func (w *Webhook) tryDelete(ctx context.Context) error {
	client, err := w.Client.Watcher()
	if err != nil {
		return err
	}
	for _, x := range []struct {
		kind            control.Kind
		namespace, name string
	}{{KubeVirts, Namespace, "kubevirt-" + Name}, {CDIs, "", "cdi-" + Name}} {
		err := objects(client, x.kind.Kind, x.namespace).Delete(ctx, x.name,
			metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil && !kube.NotFound(err) {
			return err
		}
	}
	return nil
}

func objects(c dynamic.Interface, k kube.Kind, namespace string) dynamic.ResourceInterface {
	r := c.Resource(schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Plural})
	if namespace == "" {
		return r
	}
	return r.Namespace(namespace)
}

// check is what is looked at in the HyperConverged alone.
func check(hc object.Object) error {
	for _, v := range object.List(hc, "spec.dataImportCronTemplates") {
		t, _ := v.(map[string]any)
		value, set := object.Map(t, "metadata.annotations")[dictEnable].(string)
		on := !set || strings.EqualFold(value, "true")
		if !on && !strings.EqualFold(value, "false") {
			return fmt.Errorf(`the %s annotation of a dataImportCronTemplate must be either "true" or "false"`, dictEnable)
		}
		if on && object.Get(t, "spec") == nil {
			return errors.New("dataImportCronTemplate spec is empty for an enabled DataImportCronTemplate")
		}
	}
	if err := checkTLS(hc); err != nil {
		return err
	}
	mdev := object.Map(hc, "spec.mediatedDevicesConfiguration")
	for _, v := range append([]any{any(mdev)}, object.List(mdev, "nodeMediatedDeviceTypes")...) {
		m, _ := v.(map[string]any)
		a, b := object.List(m, "mediatedDevicesTypes"), object.List(m, "mediatedDeviceTypes")
		if len(a) > 0 && len(b) > 0 && !control.Same(a, b) {
			return errors.New("mediatedDevicesTypes is deprecated, please use mediatedDeviceTypes instead")
		}
	}
	for _, part := range []string{"workloads", "infra"} {
		m := object.Map(hc, "spec."+part+".nodePlacement")
		if m == nil {
			continue
		}
		p, err := object.To[sdk.NodePlacement](m)
		if err == nil {
			_, err = matcher(&p)
		}
		if err != nil {
			return fmt.Errorf("invalid %s node placement affinity: %w", part, err)
		}
	}
	return nil
}

func checkTLS(hc object.Object) error {
	custom := object.Map(hc, "spec.tlsSecurityProfile.custom")
	if custom == nil {
		return nil
	}
	lowest := configv1.TLSProtocolVersion(object.String(custom, "minTLSVersion"))
	ciphers := object.List(custom, "ciphers")
	switch lowest {
	case configv1.VersionTLS13:
		if len(ciphers) > 0 {
			return errors.New("custom ciphers cannot be selected when minTLSVersion is VersionTLS13")
		}
		return nil
	case configv1.VersionTLS10, configv1.VersionTLS11, configv1.VersionTLS12:
	default:
		return errors.New("invalid value for spec.tlsSecurityProfile.custom.minTLSVersion")
	}
	for _, c := range ciphers {
		if c == "ECDHE-RSA-AES128-GCM-SHA256" || c == "ECDHE-ECDSA-AES128-GCM-SHA256" {
			return nil
		}
	}
	return errors.New("http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher " +
		"(need at least one of ECDHE-RSA-AES128-GCM-SHA256 or ECDHE-ECDSA-AES128-GCM-SHA256)")
}

// certificates refuses life times that do not fit each other.
func certificates(hc object.Object) error {
	times := map[string]time.Duration{}
	for _, c := range []struct{ name, without string }{
		{"ca.duration", "48h"}, {"ca.renewBefore", "24h"}, {"server.duration", "24h"}, {"server.renewBefore", "12h"},
	} {
		text := object.String(hc, "spec.certConfig."+c.name)
		if text == "" {
			text = c.without
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("spec.certConfig.%s: %w", c.name, err)
		}
		if d < 10*time.Minute {
			return fmt.Errorf("spec.certConfig.%s: value is too small", c.name)
		}
		times[c.name] = d
	}
	for _, part := range []string{"ca", "server"} {
		if times[part+".duration"] < times[part+".renewBefore"] {
			return fmt.Errorf("spec.certConfig.%s: duration is smaller than renewBefore", part)
		}
	}
	if times["ca.duration"] < times["server.duration"] {
		return errors.New("spec.certConfig: ca.duration is smaller than server.duration")
	}
	return nil
}

// warnings are about fields that do nothing any more.
func warnings(hc, old object.Object) []string {
	var out []string
	gates := object.Map(hc, "spec.featureGates")
	for _, g := range []string{
		"withHostPassthroughCPU", "deployTektonTaskResources", "nonRoot", "enableManagedTenantQuota",
	} {
		if gates[g] != nil {
			out = append(out, fmt.Sprintf(
				"spec.featureGates.%s is deprecated and ignored. It will be removed in a future version;", g))
		}
	}
	for _, g := range []string{"enableApplicationAwareQuota", "enableCommonBootImageImport", "deployVmConsoleProxy"} {
		if gates[g] != nil && gates[g] != object.Get(old, "spec.featureGates."+g) {
			out = append(out, fmt.Sprintf("spec.featureGates.%[1]s is deprecated and ignored. "+
				"It will removed in a future version; use spec.%[1]s instead", g))
		}
	}
	if object.String(hc, "spec.tuningPolicy") == "highBurst" {
		out = append(out, "spec.tuningPolicy: the highBurst profile is deprecated as of v1.16.0 "+
			"and will be removed in a future release")
	}
	return out
}
