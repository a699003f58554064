package hpp

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

const (
	// Driver is the provisioner that storage classes name.
	Driver = "kubevirt.io.hostpath-provisioner"

	finalizer = "finalizer.delete.hostpath-provisioner"
	workload  = "hostpath-provisioner-csi"
)

var (
	provisioners = kube.Kind{Group: "hostpathprovisioner.kubevirt.io", Version: "v1beta1", Plural: "hostpathprovisioners"}
	drivers      = kube.Kind{Group: "storage.k8s.io", Version: "v1", Plural: "csidrivers"}
)

// Operator keeps what a HostPathProvisioner asks for.
type Operator struct {
	Client    *api.Client
	Clock     clock.Clock
	Log       *slog.Logger
	Version   string
	Namespace string
	Image     string

	applier control.Applier
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) error {
	return control.Controller{
		Name: "hostpath-provisioner-operator", Client: o.Client, Clock: o.Clock, Log: o.Log, Round: o.Round,
		Kinds: []kube.Kind{provisioners, control.DaemonSets},
	}.Run(ctx)
}

// Round looks at everything once.
func (o *Operator) Round(ctx context.Context) (time.Duration, error) {
	all, err := control.All[HostPathProvisioner](ctx, o.Client, provisioners, "")
	if err != nil || len(all) == 0 {
		return 0, err
	}
	h := &all[0]
	ref := provisioners.Ref("", h.Name)
	if h.DeletionTimestamp != nil {
		return 0, o.remove(ctx, h)
	}
	if object.Finalizer(h, finalizer, true) {
		patch := map[string]any{"metadata": map[string]any{"finalizers": h.Finalizers}}
		if err := o.Client.Patch(ctx, ref, "", patch); err != nil {
			return 0, fmt.Errorf("add finalizer: %w", err)
		}
	}
	before := h.Status
	before.Conditions = slices.Clone(before.Conditions)
	failure := o.apply(ctx, h)
	var r control.Rollout
	if failure == nil {
		r, failure = control.Look(ctx, o.Client, control.DaemonSets, o.Namespace, workload)
	}
	if control.Conflict(failure) {
		return 0, failure
	}
	if !r.Exists {
		o.applier.Forget()
	}
	o.say(h, r, failure)
	if !reflect.DeepEqual(before, h.Status) {
		if err := o.Client.Patch(ctx, ref, "status", map[string]any{"status": h.Status}); err != nil {
			return 0, fmt.Errorf("write status of HostPathProvisioner: %w", err)
		}
	}
	return 0, failure
}

// say puts what is known into the status.
func (o *Operator) say(h *HostPathProvisioner, r control.Rollout, failure error) {
	var p control.Phase
	switch {
	case failure != nil:
		p = control.Phase{Degraded: true, Progressing: true, Reason: "ReconcileFailed",
			Message: fmt.Sprintf("Unable to successfully reconcile: %v", failure)}
	case r.Complete() && r.Wanted > 0:
		p = control.Phase{Available: true, Reason: "Complete", Message: "Application Available"}
	case h.Status.ObservedVersion != "":
		p = control.Phase{Degraded: true, Reason: "Degraded", Message: "CR is deployed but DaemonSets are not ready"}
	default:
		p = control.Phase{Progressing: true, Reason: "DeployStarted", Message: "Started Deployment"}
	}
	p.Apply(&h.Status.Conditions, o.Clock.Now())
	h.Status.OperatorVersion, h.Status.TargetVersion = o.Version, o.Version
	if p.Available {
		h.Status.ObservedVersion = o.Version
	}
	h.Status.StoragePoolStatuses = nil
	for _, pool := range h.Spec.StoragePools {
		s := PoolStatus{Name: pool.Name, Phase: "Preparing", DesiredReady: int(r.Wanted), CurrentReady: int(r.Available)}
		if r.Complete() && r.Wanted > 0 {
			s.Phase = "Ready"
		}
		h.Status.StoragePoolStatuses = append(h.Status.StoragePoolStatuses, s)
	}
}

// Check refuses pools that the webhook of the real operator refuses.
func Check(s Spec) error {
	switch {
	case s.PathConfig != nil && len(s.StoragePools) > 0:
		return fmt.Errorf("pathConfig and storage pools cannot be both set")
	case s.PathConfig == nil && len(s.StoragePools) == 0:
		return fmt.Errorf("either pathConfig or storage pools must be set")
	case s.PathConfig != nil && s.PathConfig.Path == "":
		return fmt.Errorf("pathconfig path must be set")
	}
	names, paths := map[string]int{}, map[string]int{}
	for i, p := range s.StoragePools {
		switch {
		case p.Name == "":
			return fmt.Errorf("storagePool.name cannot be blank")
		case len(p.Name) > 50:
			return fmt.Errorf("storagePool.name cannot have a length greater than 50")
		case p.Path == "":
			return fmt.Errorf("storagePool.path cannot be blank")
		case len(p.Path) > 255:
			return fmt.Errorf("storagePool.path cannot have a length greater than 255")
		}
		if j, ok := paths[p.Path]; ok {
			return fmt.Errorf("spec.storagePools[%d].path is the same as spec.storagePools[%d].path, "+
				"cannot have duplicate paths", i, j)
		}
		if j, ok := names[p.Name]; ok {
			return fmt.Errorf("spec.storagePools[%d].name is the same as spec.storagePools[%d].name, "+
				"cannot have duplicate names", i, j)
		}
		names[p.Name], paths[p.Path] = i, i
	}
	return nil
}

// pools are the directories by name; the old form has one without a name.
func pools(s Spec) []Pool {
	if s.PathConfig != nil {
		return []Pool{{Path: s.PathConfig.Path}}
	}
	return s.StoragePools
}

// apply starts the provisioner on the nodes.
func (o *Operator) apply(ctx context.Context, h *HostPathProvisioner) error {
	if err := Check(h.Spec); err != nil {
		return err
	}
	for _, p := range h.Spec.StoragePools {
		if p.PVCTemplate != nil {
			return fmt.Errorf("storage pool %s has a pvcTemplate, which the lab does not support", p.Name)
		}
	}
	w := h.Spec.Workload
	p := control.Pods{
		Namespace: o.Namespace, Name: workload, Part: "storage", Image: o.Image, Command: []string{workload},
		Privileged: true, NodeSelector: w.NodeSelector, Affinity: w.Affinity, Tolerations: w.Tolerations,
		Env: []corev1.EnvVar{
			{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"},
			}},
		},
	}
	var dirs []string
	kind := corev1.HostPathDirectoryOrCreate
	for i, pool := range pools(h.Spec) {
		volume := fmt.Sprintf("pool-%d", i)
		p.Volumes = append(p.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: pool.Path, Type: &kind},
		}})
		p.Mounts = append(p.Mounts, corev1.VolumeMount{Name: volume, MountPath: "/host" + pool.Path})
		dirs = append(dirs, pool.Name+"="+pool.Path)
	}
	p.Env = append(p.Env, corev1.EnvVar{Name: poolsVariable, Value: strings.Join(dirs, ",")})
	no := false
	driver := &storagev1.CSIDriver{
		TypeMeta:   metav1.TypeMeta{APIVersion: "storage.k8s.io/v1", Kind: "CSIDriver"},
		ObjectMeta: metav1.ObjectMeta{Name: Driver, Labels: map[string]string{"k8s-app": "hostpath-provisioner"}},
		Spec:       storagev1.CSIDriverSpec{AttachRequired: &no},
	}
	return o.applier.Apply(ctx, o.Client, o.Clock, append(p.Account(), driver, p.DaemonSet())...)
}

func (o *Operator) remove(ctx context.Context, h *HostPathProvisioner) error {
	if err := control.GoneWithAccount(ctx, o.Client, control.DaemonSets, o.Namespace, workload); err != nil {
		return err
	}
	if _, err := control.Gone(ctx, o.Client, drivers, "", Driver); err != nil {
		return err
	}
	if !object.Finalizer(h, finalizer, false) {
		return nil
	}
	patch := map[string]any{"metadata": map[string]any{"finalizers": h.Finalizers}}
	if err := o.Client.Patch(ctx, provisioners.Ref("", h.Name), "", patch); err != nil && !kube.NotFound(err) {
		return fmt.Errorf("remove finalizer: %w", err)
	}
	return nil
}
