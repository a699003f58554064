package staticpod

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// How often the operator looks: often during an install, rarely afterwards.
const (
	paceBusy    = 400 * time.Millisecond
	paceWaiting = 2 * time.Second
	paceSettled = 10 * time.Second
	busyFor     = 45 * time.Second // after the last change
	faultGrace  = 2 * time.Minute  // before a pod that is not ready is reported
)

// Operator keeps one component's static pods as they should be.
type Operator struct {
	Component
	Images
	Prepare Prepare
	Client  *api.Client
	Clock   clock.Clock
	Log     *slog.Logger

	ready      bool // accounts exist
	lastChange time.Time
	faultSince map[string]time.Time
}

// New is the operator of a component.
func New(c *api.Client, clk clock.Clock, i Images, prepare Prepare, component Component) *Operator {
	return &Operator{
		Component: component, Images: i, Prepare: prepare, Client: c, Clock: clk, Log: program.Logger(),
	}
}

func (o *Operator) lease() operator.Lease {
	return operator.Lease{
		Namespace: o.OperatorNamespace(), Name: o.Deployment() + "-lock",
		Duration: 30 * time.Second, Renew: 20 * time.Second,
	}
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) {
	o.changed()
	program.Loop(ctx, o.Clock, o.Log.With("component", o.Name), func(ctx context.Context) (time.Duration, error) {
		settled, err := o.sync(ctx)
		switch {
		case err != nil || !settled && o.Clock.Now().Sub(o.lastChange) < busyFor:
			return paceBusy, err
		case !settled:
			return paceWaiting, nil
		}
		return paceSettled, nil
	})
}

// sync does one pass; settled means that nothing is on its way.
func (o *Operator) sync(ctx context.Context) (settled bool, err error) {
	if err := o.ensureAccounts(ctx); err != nil {
		return false, err
	}
	nodes, err := o.controlPlane(ctx)
	if err != nil {
		return false, err
	}
	report, prepareErr := o.Prepare(ctx, nodes)
	if prepareErr != nil {
		report.Missing = prepareErr.Error()
	}
	if report.Pod != nil {
		if err := o.publish(ctx, report.Pod); err != nil {
			return false, err
		}
	}
	in, err := o.inputs(ctx)
	if err != nil {
		return false, err
	}
	latest, missing, err := o.ensureRevision(ctx, in, report.Missing)
	if err != nil {
		return false, err
	}
	var pods corev1.PodList
	if err := o.Client.List(ctx, kube.Pods, o.Namespace(), &pods); err != nil {
		return false, err
	}
	cr, err := o.resource(ctx)
	if err != nil {
		return false, err
	}
	views := o.view(nodes, pods.Items, cr.revisions(), report.Refused, latest)
	steps, waiting := plan(latest, views, report.Hold)
	if err := o.start(ctx, steps, nodes); err != nil {
		return false, err
	}
	if missing != "" {
		waiting = "waiting for " + missing
	}
	s := summarize(views, latest, waiting, report.Unavailable, o.lastingFault(views, report.Degraded))
	if err := o.report(ctx, cr, views, latest, s, report.Conditions); err != nil {
		return false, err
	}
	if err := o.prune(ctx, in, pods.Items, views, latest); err != nil {
		return false, err
	}
	return !s.progressing && len(steps) == 0 && !report.Busy && prepareErr == nil, prepareErr
}

// publish writes the manifest of the component's pod, an input of revisions.
func (o *Operator) publish(ctx context.Context, pod *corev1.Pod) error {
	text, err := api.Template(pod)
	if err != nil {
		return err
	}
	return o.Client.EnsureConfigMap(ctx,
		api.ConfigMap(o.Namespace(), o.PodConfigMap(), map[string]string{"pod.yaml": text}))
}

// inputs lists the namespace once instead of asking for each object.
func (o *Operator) inputs(ctx context.Context) (inputs, error) {
	in := inputs{configMaps: map[string]*corev1.ConfigMap{}, secrets: map[string]*corev1.Secret{}}
	var configMaps corev1.ConfigMapList
	var secrets corev1.SecretList
	err := o.Client.List(ctx, kube.ConfigMaps, o.Namespace(), &configMaps)
	if err == nil {
		err = o.Client.List(ctx, kube.Secrets, o.Namespace(), &secrets)
	}
	for i := range configMaps.Items {
		in.configMaps[configMaps.Items[i].Name] = &configMaps.Items[i]
	}
	for i := range secrets.Items {
		in.secrets[secrets.Items[i].Name] = &secrets.Items[i]
	}
	return in, err
}

// ensureRevision makes a revision when inputs are complete and new.
func (o *Operator) ensureRevision(ctx context.Context, in inputs, missing string) (
	latest int, waitingFor string, err error) {
	have := revisions(in)
	for _, r := range have {
		if r.ready {
			latest = r.number
		}
	}
	if missing != "" {
		return latest, missing, nil
	}
	sum, missing := o.fingerprint(in)
	if missing != "" {
		return latest, missing, nil
	}
	n, create := nextRevision(have, sum)
	if !create {
		return n, "", nil
	}
	if err := o.snapshot(ctx, o.Client, in, n, sum); err != nil {
		return latest, "", err
	}
	o.changed()
	o.Event(ctx, corev1.EventTypeNormal, "RevisionCreate", fmt.Sprintf("revision %d created", n))
	return n, "", nil
}

func (o *Operator) start(ctx context.Context, steps []step, nodes []corev1.Node) error {
	for _, s := range steps {
		i := slices.IndexFunc(nodes, func(n corev1.Node) bool { return n.Name == s.Node })
		pod, err := o.installerPod(s, api.NodeAddress(&nodes[i]))
		if err == nil {
			err = o.Client.Make(ctx, kube.Pods, o.Namespace(), pod)
		}
		if err != nil {
			return fmt.Errorf("start installer of revision %d on %s: %w", s.Revision, s.Node, err)
		}
		o.changed()
		o.Log.Info("installer started",
			"component", o.Name, "node", s.Node, "revision", s.Revision, "attempt", s.Attempt)
	}
	return nil
}

// lastingFault names what has been wrong for longer than a restart takes.
func (o *Operator) lastingFault(views []nodeView, degraded string) string {
	now, seen := o.Clock.Now(), map[string]time.Time{}
	note := func(what string) {
		seen[what] = now
		if t, ok := o.faultSince[what]; ok {
			seen[what] = t
		}
	}
	for _, v := range views {
		if v.Current > 0 && !v.Ready {
			note(fmt.Sprintf("pod %s on %s is not ready", o.Pod, v.Name))
		}
	}
	if degraded != "" {
		note(degraded)
	}
	o.faultSince = seen
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		if now.Sub(seen[what]) > faultGrace {
			return what
		}
	}
	return ""
}

// prune removes old snapshots and their installer pods.
func (o *Operator) prune(ctx context.Context, in inputs, pods []corev1.Pod, views []nodeView, latest int) error {
	used := []int{latest}
	for _, v := range views {
		used = append(used, v.Current, v.Running)
	}
	var errs []error
	remove := func(r kube.Ref) {
		if err := o.Client.Delete(ctx, r); err != nil && !kube.NotFound(err) {
			errs = append(errs, fmt.Errorf("delete %s: %w", r, err))
		}
	}
	for _, r := range expired(revisions(in), used) {
		remove(kube.ConfigMaps.Ref(o.Namespace(), r.status.Name))
		for i := range pods {
			if pods[i].Labels["app"] == installerApp && pods[i].Labels["revision"] == fmt.Sprint(r.number) {
				remove(kube.Pods.Ref(o.Namespace(), pods[i].Name))
			}
		}
	}
	return errors.Join(errs...)
}

// ensureAccounts makes what installer pods run as.
func (o *Operator) ensureAccounts(ctx context.Context) error {
	if o.ready {
		return nil
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace(), Name: installerAccount}}
	rights := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "system:openshift:operator:" + o.Namespace() + "-installer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: o.Namespace(), Name: installerAccount}},
	}
	err := o.Client.Make(ctx, api.Namespaces, "", api.Namespace(o.Namespace()))
	if err == nil {
		err = o.Client.Make(ctx, api.ServiceAccounts, o.Namespace(), account)
	}
	if err == nil {
		err = o.Client.Make(ctx, api.ClusterRoleBindings, "", rights)
	}
	o.ready = err == nil
	return err
}

// Event records on its Deployment what the operator did. A failure is only logged:
// the deed is done.
func (o *Operator) Event(ctx context.Context, kind, reason, message string) {
	o.Log.Info("event", "component", o.Name, "reason", reason, "message", message)
	now := o.Clock.Now()
	err := operator.Record(ctx, o.Client, now, corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%x", o.Deployment(), now.UnixNano())},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "apps/v1", Kind: "Deployment", Namespace: o.OperatorNamespace(), Name: o.Deployment(),
		},
		Type: kind, Reason: reason, Message: message, Source: corev1.EventSource{Component: o.Deployment()},
	})
	if err != nil {
		o.Log.Warn("record event", "reason", reason, "error", err)
	}
}

func (o *Operator) changed() { o.lastChange = o.Clock.Now() }
