package cdi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

const (
	finalizer      = "operator.cdi.kubevirt.io"
	deployment     = "cdi-deployment"
	imageVariable  = "IMPORTER_IMAGE"
	controllerName = "cdi-controller"
)

// Operator keeps what a CDI asks for.
type Operator struct {
	Client    *api.Client
	Clock     clock.Clock
	Log       *slog.Logger
	Version   string
	Namespace string
	Image     string // of the controller
	Importer  string // of the pods that carry data

	applier control.Applier
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) error {
	return control.Controller{
		Name: "cdi-operator", Client: o.Client, Clock: o.Clock, Log: o.Log, Round: o.Round,
		Kinds: []kube.Kind{cdis, control.Deployments},
	}.Run(ctx)
}

// Round looks at everything once.
func (o *Operator) Round(ctx context.Context) (time.Duration, error) {
	all, err := control.All[cdiv1.CDI](ctx, o.Client, cdis, "")
	if err != nil || len(all) == 0 {
		return 0, err
	}
	slices.SortFunc(all, func(a, b cdiv1.CDI) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for i := range all[1:] {
		if err := o.refuse(ctx, &all[i+1]); err != nil {
			return 0, err
		}
	}
	c := &all[0]
	if c.DeletionTimestamp != nil {
		return o.remove(ctx, c)
	}
	before := c.Status.DeepCopy()
	if object.Finalizer(c, finalizer, true) {
		patch := map[string]any{"metadata": map[string]any{"finalizers": c.Finalizers}}
		if err := o.Client.Patch(ctx, cdis.Ref("", c.Name), "", patch); err != nil {
			return 0, fmt.Errorf("add finalizer: %w", err)
		}
	}
	failure := o.apply(ctx, c)
	var r control.Rollout
	if failure == nil {
		r, failure = control.Look(ctx, o.Client, control.Deployments, o.Namespace, deployment)
	}
	if control.Conflict(failure) {
		return 0, failure
	}
	if !r.Exists {
		o.applier.Forget()
	}
	o.say(c, r, failure)
	return 0, errors.Join(failure, o.write(ctx, before, c))
}

// say puts what is known into the status.
func (o *Operator) say(c *cdiv1.CDI, r control.Rollout, failure error) {
	var p control.Phase
	switch deployed := c.Status.Phase == sdk.PhaseDeployed; {
	case failure != nil:
		p = control.Phase{Degraded: true, Available: deployed, Progressing: !deployed, Reason: "ReconcileFailed",
			Message: failure.Error()}
	case r.Complete():
		p = control.Phase{Available: true, Reason: "DeployCompleted", Message: "Deployment Completed"}
		c.Status.Phase = sdk.PhaseDeployed
	case deployed:
		p = control.Phase{Degraded: true, Available: true}
	default:
		p = control.Phase{Progressing: true, Reason: "DeployStarted", Message: "Started Deployment"}
		c.Status.Phase = sdk.PhaseDeploying
	}
	p.Apply(&c.Status.Conditions, o.Clock.Now())
	control.Versions(&c.Status.Status, o.Version, p.Available && !p.Degraded)
}

func (o *Operator) write(ctx context.Context, before *cdiv1.CDIStatus, c *cdiv1.CDI) error {
	if reflect.DeepEqual(before, &c.Status) {
		return nil
	}
	// The kind has no subresource for its status.
	if err := o.Client.Patch(ctx, cdis.Ref("", c.Name), "", map[string]any{"status": c.Status}); err != nil {
		return fmt.Errorf("write status of CDI: %w", err)
	}
	return nil
}

// refuse marks a CDI that is not the first.
func (o *Operator) refuse(ctx context.Context, c *cdiv1.CDI) error {
	before := c.Status.DeepCopy()
	c.Status.Phase = sdk.PhaseError
	p := control.Phase{Degraded: true, Reason: "ConfigError", Message: "Reconciling to error state, unwanted CDI object"}
	p.Apply(&c.Status.Conditions, o.Clock.Now())
	return o.write(ctx, before, c)
}

// apply makes the definitions and starts the controller.
func (o *Operator) apply(ctx context.Context, c *cdiv1.CDI) error {
	var all []any
	for _, d := range Definitions() {
		all = append(all, d.Object())
	}
	p := control.Pods{
		Namespace: o.Namespace, Name: deployment, Part: "storage", Image: o.Image, Command: []string{controllerName},
		Labels: map[string]string{"cdi.kubevirt.io": "cdi-deployment-controller"},
		Env:    []corev1.EnvVar{{Name: imageVariable, Value: o.Importer}},
	}
	n := c.Spec.Infra.NodePlacement
	p.NodeSelector, p.Affinity, p.Tolerations = n.NodeSelector, n.Affinity, n.Tolerations
	replicas := int32(1)
	if r := c.Spec.Infra.DeploymentReplicas; r != nil {
		replicas = *r
	}
	// Their own labels would be selected as data pods.
	delete(p.Labels, "cdi.kubevirt.io")
	all = append(all, p.Account()...)
	return o.applier.Apply(ctx, o.Client, o.Clock, append(all, p.Deployment(replicas))...)
}

// remove refuses while there are DataVolumes, unless they may go.
func (o *Operator) remove(ctx context.Context, c *cdiv1.CDI) (time.Duration, error) {
	if !slices.Contains(c.Finalizers, finalizer) {
		return 0, nil
	}
	before := c.Status.DeepCopy()
	c.Status.Phase = sdk.PhaseDeleting
	if err := o.write(ctx, before, c); err != nil {
		return 0, err
	}
	if s := c.Spec.UninstallStrategy; s == nil || *s != cdiv1.CDIUninstallStrategyRemoveWorkloads {
		volumes, err := control.All[cdiv1.DataVolume](ctx, o.Client, dataVolumes, "")
		if err != nil {
			return 0, err
		}
		if len(volumes) > 0 {
			return time.Second, errors.New(stillVolumes) //nolint:staticcheck // as in CDI
		}
	}
	if err := control.GoneWithAccount(ctx, o.Client, control.Deployments, o.Namespace, deployment); err != nil {
		return 0, err
	}
	for _, d := range Definitions() {
		gone, err := control.Gone(ctx, o.Client, control.Definitions, "", d.Name())
		if err != nil {
			return 0, err
		}
		if !gone {
			return time.Second, nil
		}
	}
	object.Finalizer(c, finalizer, false)
	patch := map[string]any{"metadata": map[string]any{"finalizers": c.Finalizers}}
	if err := o.Client.Patch(ctx, cdis.Ref("", c.Name), "", patch); err != nil && !kube.NotFound(err) {
		return 0, fmt.Errorf("remove finalizer: %w", err)
	}
	return 0, nil
}

const stillVolumes = "Rejecting the uninstall request, since there are still DataVolumes present. " +
	"Either delete all DataVolumes or change the uninstall strategy before uninstalling CDI."
