package staticpod

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// How often the operator looks. During an install it decides how long the
// install takes; afterwards it must not cost anything.
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
	Operand Operand
	Clients *kube.Clients
	Clock   clock.Clock
	Log     *slog.Logger

	ready      bool // accounts exist
	lastChange time.Time
	faultSince map[string]time.Time
	lastError  string
}

// Run loops until ctx ends.
func (o *Operator) Run(ctx context.Context) error {
	o.lastChange = o.Clock.Now()
	for {
		settled, err := o.Sync(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != o.lastError {
			o.Log.Error("sync", "component", o.Name, "err", err)
			o.lastError = err.Error()
		}
		pace := paceSettled
		switch {
		case err != nil || !settled && o.Clock.Now().Sub(o.lastChange) < busyFor:
			pace = paceBusy
		case !settled:
			pace = paceWaiting
		}
		if err := o.Clock.Sleep(ctx, pace); err != nil {
			return nil
		}
	}
}

// Sync does one pass; settled means that nothing is on its way.
func (o *Operator) Sync(ctx context.Context) (settled bool, err error) {
	if err := o.ensureAccounts(ctx); err != nil {
		return false, err
	}
	nodes, err := controlPlane(ctx, o.Clients)
	if err != nil {
		return false, err
	}
	report, prepareErr := o.Operand.Prepare(ctx, nodes)
	if prepareErr != nil {
		report.Missing = prepareErr.Error()
	}
	in, err := o.fetchInputs(ctx, o.Clients)
	if err != nil {
		return false, err
	}
	latest, missing, err := o.ensureRevision(ctx, in, report.Missing)
	if err != nil {
		return false, err
	}
	pods, err := o.Clients.Kube.CoreV1().Pods(o.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("list pods of %s: %w", o.Namespace, err)
	}
	cr, err := o.fetchOperator(ctx, o.Clients)
	if err != nil {
		return false, err
	}
	views := o.view(nodes, pods.Items, recordedRevisions(cr), report.Refused, latest)
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
	if err := o.pruneRevisions(ctx, in, pods.Items, views, latest); err != nil {
		return false, err
	}
	return !s.progressing && len(steps) == 0 && !report.Busy && prepareErr == nil, prepareErr
}

// ensureRevision makes a revision when inputs are complete and new.
func (o *Operator) ensureRevision(ctx context.Context, in inputs, missing string) (latest int, waitingFor string, err error) {
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
	if err := o.snapshot(ctx, o.Clients, in, n, sum); err != nil {
		return latest, "", err
	}
	o.changed()
	o.Event(ctx, corev1.EventTypeNormal, "RevisionCreate", fmt.Sprintf("revision %d created", n))
	return n, "", nil
}

func (o *Operator) start(ctx context.Context, steps []step, nodes []corev1.Node) error {
	for _, s := range steps {
		ip := ""
		for i := range nodes {
			if nodes[i].Name == s.Node {
				ip = NodeAddress(&nodes[i])
			}
		}
		_, err := o.Clients.Kube.CoreV1().Pods(o.Namespace).Create(ctx, o.installerPod(s, ip), metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create installer of revision %d on %s: %w", s.Revision, s.Node, err)
		}
		o.changed()
		o.Log.Info("installer started", "component", o.Name, "node", s.Node, "revision", s.Revision, "attempt", s.Attempt)
	}
	return nil
}

func (o *Operator) report(ctx context.Context, cr operatorResource, views []nodeView, latest int, s summary, extra []Condition) error {
	now := o.Clock.Now()
	wrote, err := o.writeOperator(ctx, o.Clients, cr, views, latest, append(s.operator(), extra...), now)
	if apierrors.IsConflict(err) {
		return nil // the next pass has the newer object
	}
	if err != nil {
		return err
	}
	if wrote {
		o.changed()
	}
	versions := map[string]string{}
	if !s.progressing && s.available {
		versions["operator"], versions[o.Name] = o.Version, o.OperandVersion
	}
	related := []any{
		map[string]any{"group": o.Resource.Group, "resource": o.Resource.Resource, "name": "cluster"},
		map[string]any{"group": "", "resource": "namespaces", "name": o.Namespace},
		map[string]any{"group": "", "resource": "namespaces", "name": o.OperatorNamespace},
	}
	err = WriteClusterOperator(ctx, o.Clients.Dynamic, o.Name, related, s.clusterOperator(), versions, now)
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
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
	for _, what := range sortedKeys(seen) {
		if now.Sub(seen[what]) > faultGrace {
			return what
		}
	}
	return ""
}

// pruneRevisions removes old snapshots and the installer pods of all but the
// latest revision.
func (o *Operator) pruneRevisions(ctx context.Context, in inputs, pods []corev1.Pod, views []nodeView, latest int) error {
	used := []int{latest}
	for _, v := range views {
		used = append(used, v.Current, v.Running)
	}
	for _, r := range expired(revisions(in), used) {
		err := o.Clients.Kube.CoreV1().ConfigMaps(o.Namespace).Delete(ctx, r.status.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete revision %d: %w", r.number, err)
		}
		for i := range pods {
			if pods[i].Labels["app"] != installerApp || pods[i].Labels["revision"] != fmt.Sprint(r.number) {
				continue
			}
			err := o.Clients.Kube.CoreV1().Pods(o.Namespace).Delete(ctx, pods[i].Name, metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("delete installer pod: %w", err)
			}
		}
	}
	return nil
}

// ensureAccounts makes what installer pods run as.
func (o *Operator) ensureAccounts(ctx context.Context) error {
	if o.ready {
		return nil
	}
	_, err := o.Clients.Kube.CoreV1().Namespaces().Create(ctx, kube.Namespace(o.Namespace), metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create namespace %s: %w", o.Namespace, err)
	}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: installerAccount}}
	_, err = o.Clients.Kube.CoreV1().ServiceAccounts(o.Namespace).Create(ctx, sa, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create service account %s/%s: %w", o.Namespace, installerAccount, err)
	}
	crb := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "system:openshift:operator:" + o.Namespace + "-installer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: o.Namespace, Name: installerAccount}},
	}
	_, err = o.Clients.Kube.RbacV1().ClusterRoleBindings().Create(ctx, crb, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create role binding %s: %w", crb.Name, err)
	}
	o.ready = true
	return nil
}

func (o *Operator) changed() { o.lastChange = o.Clock.Now() }
