package olm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	"google.golang.org/grpc/connectivity"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/packages"
)

const (
	registryPort  = 50051
	catalogLabel  = "olm.catalogSource"
	specHashLabel = "olm.pod-spec-hash"
)

// catalogs keeps a registry for each catalog, and a connection to it.
func (o *Operator) catalogs(ctx context.Context, w *world) (busy bool, err error) {
	var errs []error
	keep := map[types.NamespacedName]bool{}
	var served []packages.Catalog
	for i := range w.catalogs {
		c := &w.catalogs[i]
		if c.DeletionTimestamp != nil {
			continue
		}
		keep[keyOf(c)] = true
		b, err := o.catalog(ctx, c)
		busy = busy || b
		if err != nil {
			errs = append(errs, fmt.Errorf("catalog %s: %w", keyOf(c), err))
		}
		if content := o.pool.Known(keyOf(c)); content != nil {
			served = append(served, packages.Catalog{Source: *c, Content: content, Global: c.Namespace == marketplaceNamespace})
		}
	}
	o.pool.Keep(keep)
	if o.packages != nil {
		o.packages.Set(served)
	}
	return busy, errors.Join(errs...)
}

func (o *Operator) catalog(ctx context.Context, c *v1alpha1.CatalogSource) (busy bool, err error) {
	before := c.Status.DeepCopy()
	defer func() {
		err = errors.Join(err, o.writeStatus(ctx, catalogSources.Ref(c.Namespace, c.Name), *before, c.Status, c))
	}()
	if problem := invalid(c.Spec); problem != "" {
		c.SetError(v1alpha1.CatalogSourceSpecInvalidError, errors.New(problem))
		return false, nil
	}
	address, serving := c.Spec.Address, ""
	shown := address
	if c.Spec.Image != "" {
		ip, pod, err := o.registry(ctx, c)
		if err != nil {
			c.SetError(v1alpha1.CatalogSourceRegistryServerError, err)
			return true, err
		}
		address, serving = o.dial(c.Name+"."+c.Namespace+".svc", ip), pod
		shown = fmt.Sprintf("%s.%s.svc:%d", c.Name, c.Namespace, registryPort)
		if c.Status.RegistryServiceStatus == nil {
			c.Status.RegistryServiceStatus = &v1alpha1.RegistryServiceStatus{
				CreatedAt: metav1.NewTime(o.now()), Protocol: "grpc", ServiceName: c.Name, ServiceNamespace: c.Namespace,
				Port: fmt.Sprint(registryPort),
			}
		}
	}
	if c.Status.Reason != "" {
		c.Status.Reason, c.Status.Message = "", ""
	}
	state, err := o.pool.Connect(keyOf(c), address)
	if err != nil {
		return true, err
	}
	now := metav1.NewTime(o.now())
	if s := c.Status.GRPCConnectionState; s == nil || s.LastObservedState != state.String() || s.Address != shown {
		c.Status.GRPCConnectionState = &v1alpha1.GRPCConnectionState{
			Address: shown, LastObservedState: state.String(), LastConnectTime: now,
		}
	}
	o.News.Say("catalog "+keyOf(c).String(), state.String())
	if state != connectivity.Ready {
		return true, nil
	}
	if _, err := o.pool.Catalog(ctx, keyOf(c), serving); err != nil {
		return true, err
	}
	return false, nil
}

func invalid(s v1alpha1.CatalogSourceSpec) string {
	switch s.SourceType {
	case v1alpha1.SourceTypeGrpc:
		if s.Image == "" && s.Address == "" {
			return fmt.Sprintf("image and address unset: at least one must be set for sourcetype: %s", s.SourceType)
		}
	case v1alpha1.SourceTypeInternal, v1alpha1.SourceTypeConfigmap:
		return fmt.Sprintf("sourcetype %s is not supported by the lab", s.SourceType)
	default:
		return fmt.Sprintf("unknown sourcetype: %s", s.SourceType)
	}
	return ""
}

// registry makes service account, service and pod of a catalog's registry. It returns
// the service's address and what the pod is.
func (o *Operator) registry(ctx context.Context, c *v1alpha1.CatalogSource) (ip, serving string, err error) {
	owner := bundle.Owner(group+"/v1alpha1", v1alpha1.CatalogSourceKind, c, false)
	meta := func() metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: c.Namespace, Name: c.Name, OwnerReferences: []metav1.OwnerReference{owner},
			Labels: map[string]string{catalogLabel: c.Name, "olm.managed": "true"},
		}
	}
	var svc corev1.Service
	ref := api.Services.Ref(c.Namespace, c.Name)
	err = o.Client.Get(ctx, ref, &svc)
	if kube.NotFound(err) {
		account := &corev1.ServiceAccount{ObjectMeta: meta()}
		for _, s := range c.Spec.Secrets {
			account.ImagePullSecrets = append(account.ImagePullSecrets, corev1.LocalObjectReference{Name: s})
		}
		if err := o.Client.Make(ctx, api.ServiceAccounts, c.Namespace, account); err != nil {
			return "", "", err
		}
		svc = corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{
				Name: "grpc", Port: registryPort, TargetPort: intstr.FromInt32(registryPort), Protocol: corev1.ProtocolTCP,
			}},
			Selector: map[string]string{catalogLabel: c.Name, "olm.managed": "true"},
		}}
		o.changed = true
		if err := o.Client.Create(ctx, api.Services, c.Namespace, &svc); err != nil {
			return "", "", fmt.Errorf("make service: %w", err)
		}
		err = nil
	}
	if err != nil {
		return "", "", fmt.Errorf("read service: %w", err)
	}
	serving, err = o.registryPod(ctx, c, meta())
	return svc.Spec.ClusterIP, serving, err
}

// registryPod makes the pod, and another one when the catalog changed or it is gone.
func (o *Operator) registryPod(ctx context.Context, c *v1alpha1.CatalogSource, meta metav1.ObjectMeta) (string, error) {
	spec := podSpec(c)
	hash := hashOf(spec)
	pods, err := list[corev1.Pod](ctx, o.Client, kube.Pods, c.Namespace)
	if err != nil {
		return "", err
	}
	var current *corev1.Pod
	for i, p := range pods {
		if p.Labels[catalogLabel] != c.Name || p.DeletionTimestamp != nil {
			continue
		}
		over := p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
		if current != nil || over || p.Labels[specHashLabel] != hash {
			o.changed = true
			if err := o.remove(ctx, kube.Pods.Ref(p.Namespace, p.Name)); err != nil {
				return "", err
			}
			continue
		}
		current = &pods[i]
	}
	if current != nil {
		id := string(current.UID)
		for _, s := range current.Status.ContainerStatuses {
			id += s.ContainerID // another one after a restart
		}
		return id, nil
	}
	meta.Name, meta.GenerateName = c.Name+"-"+hashOf(o.Clock.Now().UnixNano())[:5], c.Name+"-"
	meta.Labels = maps.Clone(meta.Labels)
	meta.Labels[specHashLabel] = hash
	meta.Annotations = map[string]string{"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
	o.changed = true
	if err := o.Client.Create(ctx, kube.Pods, c.Namespace, &corev1.Pod{ObjectMeta: meta, Spec: spec}); err != nil {
		return "", fmt.Errorf("make registry pod: %w", err)
	}
	return "", nil
}

func podSpec(c *v1alpha1.CatalogSource) corev1.PodSpec {
	probe := &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: registryPort}}, PeriodSeconds: 2, TimeoutSeconds: 5,
	}
	container := corev1.Container{
		Name: "registry-server", Image: c.Spec.Image, ReadinessProbe: probe,
		ImagePullPolicy: corev1.PullAlways,
		Ports:           []corev1.ContainerPort{{Name: "grpc", ContainerPort: registryPort}},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("50Mi"),
		}},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	if strings.Contains(c.Spec.Image, "@") {
		container.ImagePullPolicy = corev1.PullIfNotPresent
	}
	spec := corev1.PodSpec{
		ServiceAccountName: c.Name, NodeSelector: map[string]string{"kubernetes.io/os": "linux"},
	}
	if p := c.Spec.GrpcPodConfig; p != nil {
		if p.NodeSelector != nil {
			spec.NodeSelector = p.NodeSelector
		}
		spec.Tolerations, spec.Affinity = p.Tolerations, p.Affinity
		if p.PriorityClassName != nil {
			spec.PriorityClassName = *p.PriorityClassName
		}
		if p.MemoryTarget != nil {
			container.Resources.Requests[corev1.ResourceMemory] = *p.MemoryTarget
		}
		if e := p.ExtractContent; e != nil {
			// OKD copies the content to another image's opm; here the catalog's own serves it.
			container.Command = []string{"/bin/opm", "serve", e.CatalogDir, "--cache-enforce-integrity=false"}
			if e.CacheDir != "" {
				container.Command = append(container.Command, "--cache-dir="+e.CacheDir)
			}
		}
		if p.SecurityContextConfig == v1alpha1.Restricted {
			profile := &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
			spec.SecurityContext = &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(1001)), SeccompProfile: profile,
			}
			container.SecurityContext = &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}
		}
	}
	spec.Containers = []corev1.Container{container}
	return spec
}

// usable are the catalogs that a namespace can use: its own and the global ones.
func (w *world) usable(namespace string) []*v1alpha1.CatalogSource {
	var out []*v1alpha1.CatalogSource
	for i := range w.catalogs {
		c := &w.catalogs[i]
		if c.DeletionTimestamp == nil && slices.Contains([]string{namespace, marketplaceNamespace}, c.Namespace) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b *v1alpha1.CatalogSource) int {
		return cmp.Compare(b.Spec.Priority, a.Spec.Priority)
	})
	return out
}

// healthy reports whether a catalog's registry answers.
func healthy(c *v1alpha1.CatalogSource) bool {
	s := c.Status.GRPCConnectionState
	return s != nil && s.LastObservedState == connectivity.Ready.String()
}
