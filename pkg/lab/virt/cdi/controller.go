package cdi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// Controller keeps DataVolumes and what belongs to them.
type Controller struct {
	Client *api.Client
	Clock  clock.Clock
	Log    *slog.Logger
	Image  string // of the pods that carry data
	// Digest asks a registry for the digest of an image; crons do.
	Digest func(ctx context.Context, url string, trust []byte) (string, error)
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	return control.Controller{
		Name: "cdi-controller", Client: c.Client, Clock: c.Clock, Log: c.Log, Round: c.Round,
		Kinds: []kube.Kind{dataVolumes, dataSources, crons, profiles, configs, importSources, uploadSources, cloneSources,
			control.Claims, control.Classes, kube.Pods},
	}.Run(ctx)
}

// look reads what there is.
func (c *Controller) look(ctx context.Context) (*world, error) {
	w := &world{}
	var err error
	if w.classes, err = control.All[storagev1.StorageClass](ctx, c.Client, control.Classes, ""); err != nil {
		return nil, err
	}
	if w.claims, err = control.All[corev1.PersistentVolumeClaim](ctx, c.Client, control.Claims, ""); err != nil {
		return nil, err
	}
	if w.volumes, err = control.All[cdiv1.DataVolume](ctx, c.Client, dataVolumes, ""); err != nil {
		return nil, err
	}
	if w.sources, err = control.All[cdiv1.DataSource](ctx, c.Client, dataSources, ""); err != nil {
		return nil, err
	}
	if w.config, err = control.FindAs[cdiv1.CDIConfig](ctx, c.Client, configs, "", "config"); err != nil {
		return nil, err
	}
	return w, c.pods(ctx, w)
}

// pods reads the pods that carry data; all others are none of the controller's business.
func (c *Controller) pods(ctx context.Context, w *world) error {
	var l corev1.PodList
	ours := map[string][]string{"labelSelector": {"cdi.kubevirt.io"}}
	if err := c.Client.Query(ctx, kube.Pods, "", ours, &l); err != nil && !kube.NotFound(err) {
		return fmt.Errorf("list pods: %w", err)
	}
	w.pods = l.Items
	return nil
}

// Round looks at everything once.
func (c *Controller) Round(ctx context.Context) (time.Duration, error) {
	w, err := c.look(ctx)
	if err != nil {
		return 0, err
	}
	if err := c.configRound(ctx, w); err != nil {
		return 0, err
	}
	if err := c.profilesRound(ctx, w); err != nil {
		return 0, err
	}
	var failures []error
	for i := range w.volumes {
		dv := &w.volumes[i]
		if err := c.volumeRound(ctx, w, dv); err != nil {
			failures = append(failures, fmt.Errorf("DataVolume %s/%s: %w", dv.Namespace, dv.Name, err))
		}
	}
	for i := range w.claims {
		claim := &w.claims[i]
		if err := c.populate(ctx, w, claim); err != nil {
			failures = append(failures, fmt.Errorf("claim %s/%s: %w", claim.Namespace, claim.Name, err))
		}
	}
	failures = append(failures, c.endClones(ctx, w))
	again, err := c.cronsRound(ctx, w)
	failures = append(failures, err, c.sourcesRound(ctx, w))
	if err := firstConflict(failures); err != nil {
		return 0, err
	}
	return again, errors.Join(failures...)
}

// firstConflict is an error that another look mends at once.
func firstConflict(all []error) error {
	for _, err := range all {
		if control.Conflict(err) {
			return err
		}
	}
	return nil
}

func (c *Controller) say(
	ctx context.Context, o metav1.Object, k schema.GroupVersionKind, kind, reason, message string,
) error {
	return control.Event(ctx, c.Client, c.Clock.Now(), "cdi-controller", o, k, kind, reason, message)
}

var (
	volumeGVK = cdiv1.SchemeGroupVersion.WithKind("DataVolume")
	claimGVK  = corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim")
	cronGVK   = cdiv1.SchemeGroupVersion.WithKind("DataImportCron")
)

// annotate changes annotations of a claim; an empty value takes one away.
func (c *Controller) annotate(ctx context.Context, claim *corev1.PersistentVolumeClaim, set map[string]string) error {
	patch := map[string]any{}
	if claim.Annotations == nil {
		claim.Annotations = map[string]string{}
	}
	for k, v := range set {
		have, ok := claim.Annotations[k]
		switch {
		case v == remove && ok:
			patch[k] = nil
			delete(claim.Annotations, k)
		case v != remove && (!ok || have != v):
			patch[k], claim.Annotations[k] = v, v
		}
	}
	if len(patch) == 0 {
		return nil
	}
	ref := control.Claims.Ref(claim.Namespace, claim.Name)
	if err := c.Client.Patch(ctx, ref, "", map[string]any{"metadata": map[string]any{"annotations": patch}}); err != nil {
		return fmt.Errorf("annotate %s: %w", ref, err)
	}
	return nil
}

// remove is the value of an annotation that is to go.
const remove = "\x00"

// configRound keeps what pods are told of CDI's settings.
func (c *Controller) configRound(ctx context.Context, w *world) error {
	cdi, err := control.All[cdiv1.CDI](ctx, c.Client, cdis, "")
	if err != nil || len(cdi) == 0 {
		return err
	}
	spec := cdiv1.CDIConfigSpec{}
	if own := cdi[0].Spec.Config; own != nil {
		spec = *own.DeepCopy()
	}
	config := w.config
	if config == nil {
		config = &cdiv1.CDIConfig{
			TypeMeta:   metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "CDIConfig"},
			ObjectMeta: metav1.ObjectMeta{Name: "config", Labels: managed()}, Spec: spec, Status: configStatus(spec, w),
		}
		w.config = config
		return c.Client.Make(ctx, configs, "", config)
	}
	status := configStatus(spec, w)
	if control.Same(config.Spec, spec) && control.Same(config.Status, status) {
		return nil
	}
	config.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "CDIConfig"}
	config.Spec, config.Status = spec, status
	if err := c.Client.Update(ctx, configs.Ref("", "config"), "", config); err != nil {
		return fmt.Errorf("write CDIConfig: %w", err)
	}
	return nil
}

// configStatus is what counts of the settings, with the defaults.
func configStatus(spec cdiv1.CDIConfigSpec, w *world) cdiv1.CDIConfigStatus {
	out := cdiv1.CDIConfigStatus{
		FilesystemOverhead: &cdiv1.FilesystemOverhead{Global: "0.06", StorageClass: map[string]cdiv1.Percent{}},
		Preallocation:      spec.Preallocation != nil && *spec.Preallocation,
	}
	if o := spec.FilesystemOverhead; o != nil && o.Global != "" {
		out.FilesystemOverhead.Global = o.Global
	}
	for _, class := range w.classes {
		out.FilesystemOverhead.StorageClass[class.Name] = out.FilesystemOverhead.Global
		if o := spec.FilesystemOverhead; o != nil && o.StorageClass[class.Name] != "" {
			out.FilesystemOverhead.StorageClass[class.Name] = o.StorageClass[class.Name]
		}
	}
	switch {
	case spec.ScratchSpaceStorageClass != nil && w.class(spec.ScratchSpaceStorageClass) != nil:
		out.ScratchSpaceStorageClass = *spec.ScratchSpaceStorageClass
	default:
		for _, class := range w.classes {
			if class.Annotations[defaultClass] == "true" {
				out.ScratchSpaceStorageClass = class.Name
			}
		}
	}
	if spec.PodResourceRequirements != nil {
		out.DefaultPodResourceRequirements = spec.PodResourceRequirements.DeepCopy()
	}
	return out
}
