package hpp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

const (
	poolsVariable = "STORAGE_POOLS"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	selectedNode  = "volume.kubernetes.io/selected-node"
	hostname      = "kubernetes.io/hostname"
)

// Provisioner makes and removes the volumes of one node.
type Provisioner struct {
	Client *api.Client
	Clock  clock.Clock
	Log    *slog.Logger
	Node   string
	Pools  map[string]string // directory of the node by pool
	Root   string            // where the container sees the node
}

// Run works until ctx ends.
func (p *Provisioner) Run(ctx context.Context) error {
	return control.Controller{
		Name: workload, Client: p.Client, Clock: p.Clock, Log: p.Log, Round: p.Round,
		Kinds: []kube.Kind{control.Claims, control.Volumes, control.Classes},
	}.Run(ctx)
}

// Round looks at all claims and volumes once.
func (p *Provisioner) Round(ctx context.Context) (time.Duration, error) {
	classes, err := control.All[storagev1.StorageClass](ctx, p.Client, control.Classes, "")
	if err != nil {
		return 0, err
	}
	claims, err := control.All[corev1.PersistentVolumeClaim](ctx, p.Client, control.Claims, "")
	if err != nil {
		return 0, err
	}
	volumes, err := control.All[corev1.PersistentVolume](ctx, p.Client, control.Volumes, "")
	if err != nil {
		return 0, err
	}
	exists := map[string]bool{}
	for _, v := range volumes {
		exists[v.Name] = true
	}
	var failures []error
	for i := range claims {
		c := &claims[i]
		class := classOf(c, classes)
		if class == nil || !p.mine(c, class) || exists[volumeName(c)] {
			continue
		}
		failures = append(failures, p.provision(ctx, c, class))
	}
	for i := range volumes {
		failures = append(failures, p.reclaim(ctx, &volumes[i]))
	}
	return 0, errors.Join(failures...)
}

func classOf(c *corev1.PersistentVolumeClaim, all []storagev1.StorageClass) *storagev1.StorageClass {
	for i := range all {
		if all[i].Provisioner == Driver && c.Spec.StorageClassName != nil && *c.Spec.StorageClassName == all[i].Name {
			return &all[i]
		}
	}
	return nil
}

func volumeName(c *corev1.PersistentVolumeClaim) string { return "pvc-" + string(c.UID) }

// mine reports whether this node is to make the claim's volume: the scheduler has chosen it. A class that binds at
// once is served by whichever node is first. A claim with a source is filled by the one who knows the source, who
// makes a claim of his own.
func (p *Provisioner) mine(c *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) bool {
	if c.Spec.VolumeName != "" || c.DeletionTimestamp != nil || c.Status.Phase == corev1.ClaimBound ||
		c.Spec.DataSource != nil || c.Spec.DataSourceRef != nil {
		return false
	}
	if class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer {
		return c.Annotations[selectedNode] == p.Node
	}
	return true
}

func (p *Provisioner) provision(
	ctx context.Context, c *corev1.PersistentVolumeClaim, class *storagev1.StorageClass,
) error {
	if c.Spec.VolumeMode != nil && *c.Spec.VolumeMode == corev1.PersistentVolumeBlock {
		return p.failed(ctx, c, class, "block volumes are not supported")
	}
	pool := class.Parameters["storagePool"]
	dir, ok := p.Pools[pool]
	if !ok {
		return p.failed(ctx, c, class, fmt.Sprintf("unable to locate path for storage pool %s", pool))
	}
	name := volumeName(c)
	path := filepath.Join(dir, "csi", name)
	inside := filepath.Join(p.Root, path)
	if err := os.MkdirAll(inside, 0o755); err != nil {
		return fmt.Errorf("make volume %s: %w", name, err)
	}
	// Whoever is in the pod writes: VMs do not run as root.
	if err := os.Chmod(inside, 0o777); err != nil {
		return fmt.Errorf("open volume %s: %w", name, err)
	}
	kind := corev1.HostPathDirectory
	mode := corev1.PersistentVolumeFilesystem
	reclaim := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		reclaim = *class.ReclaimPolicy
	}
	v := &corev1.PersistentVolume{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Annotations: map[string]string{provisionedBy: Driver},
			Labels: map[string]string{"storage": Driver},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:         corev1.ResourceList{corev1.ResourceStorage: *c.Spec.Resources.Requests.Storage()},
			AccessModes:      c.Spec.AccessModes,
			StorageClassName: class.Name,
			VolumeMode:       &mode,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: path, Type: &kind},
			},
			PersistentVolumeReclaimPolicy: reclaim,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name, UID: c.UID,
				ResourceVersion: c.ResourceVersion,
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: hostname, Operator: corev1.NodeSelectorOpIn, Values: []string{p.Node},
				}}}},
			}},
		},
	}
	err := p.Client.Create(ctx, control.Volumes, "", v)
	if control.Conflict(err) {
		return nil // another node was faster
	}
	if err != nil {
		return fmt.Errorf("make volume %s: %w", name, err)
	}
	p.Log.Info("made a volume", "volume", name, "claim", c.Namespace+"/"+c.Name)
	return p.say(ctx, c, "Normal", "ProvisioningSucceeded", "Successfully provisioned volume "+name)
}

func (p *Provisioner) failed(
	ctx context.Context, c *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, why string,
) error {
	return p.say(ctx, c, "Warning", "ProvisioningFailed",
		fmt.Sprintf("failed to provision volume with StorageClass %q: rpc error: code = InvalidArgument desc = %s",
			class.Name, why))
}

func (p *Provisioner) say(ctx context.Context, c *corev1.PersistentVolumeClaim, kind, reason, message string) error {
	return control.Event(ctx, p.Client, p.Clock.Now(), Driver, c,
		corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), kind, reason, message)
}

// reclaim removes a volume of this node that no claim has any more, with what is in it.
func (p *Provisioner) reclaim(ctx context.Context, v *corev1.PersistentVolume) error {
	if v.Annotations[provisionedBy] != Driver || v.Status.Phase != corev1.VolumeReleased || v.Spec.HostPath == nil ||
		v.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || !p.holds(v) {
		return nil
	}
	inside := ""
	for _, dir := range p.Pools {
		if filepath.Dir(v.Spec.HostPath.Path) == filepath.Join(dir, "csi") {
			inside = filepath.Join(p.Root, v.Spec.HostPath.Path)
		}
	}
	if inside == "" {
		return fmt.Errorf("volume %s is in %s, which is in no pool; it stays", v.Name, v.Spec.HostPath.Path)
	}
	if err := os.RemoveAll(inside); err != nil {
		return fmt.Errorf("remove volume %s: %w", v.Name, err)
	}
	_, err := control.Gone(ctx, p.Client, control.Volumes, "", v.Name)
	return err
}

func (p *Provisioner) holds(v *corev1.PersistentVolume) bool {
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
		return false
	}
	for _, t := range v.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range t.MatchExpressions {
			if e.Key == hostname && len(e.Values) == 1 && e.Values[0] == p.Node {
				return true
			}
		}
	}
	return false
}

// parsePools reads name=path,name=path.
func parsePools(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, item := range strings.Split(text, ",") {
		name, path, ok := strings.Cut(item, "=")
		if !ok || !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%s: %q is not name=/path", poolsVariable, item)
		}
		out[name] = filepath.Clean(path)
	}
	return out, nil
}
