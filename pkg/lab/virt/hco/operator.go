package hco

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// again is the pause between two looks of one change.
const again = 100 * time.Millisecond

// Operator keeps the children of the HyperConverged.
type Operator struct {
	Client  *api.Client
	Clock   clock.Clock
	Log     *slog.Logger
	Release Release
	// Emulation is KVM_EMULATION of the operator's environment.
	Emulation bool
	// Condition is the OperatorCondition that the lifecycle manager named, empty for none.
	Condition string

	settled    map[string]settled // children, by kind
	generation int64              // of the HyperConverged that was looked at last
	upgrading  bool
}

// settled is what a child was asked to be and what the API server made of it.
type settled struct{ asked, got object.Object }

// operand is a child that reports.
type operand struct {
	kind  control.Kind
	want  func(object.Object, Cluster) (object.Object, error)
	owned bool   // goes with its HyperConverged
	seen  string // path of the version that it reports
	wants string // that version
}

func (o *Operator) operands() []operand {
	r := o.Release
	return []operand{
		{kind: KubeVirts, want: r.KubeVirtFor, owned: true, seen: "status.observedKubeVirtVersion", wants: r.KubeVirt},
		{kind: CDIs, want: r.CDIFor, seen: "status.observedVersion", wants: r.CDI},
		{kind: NetworkAddons, want: r.NetworkAddonsFor, seen: "status.observedVersion", wants: r.NetworkAddons},
		{kind: SSPs, want: r.SSPFor, seen: "status.observedVersion", wants: r.SSP},
	}
}

// Run works until ctx ends. The priority class comes first: without it the pods of the other operators cannot be
// made, whether there is a HyperConverged or not.
func (o *Operator) Run(ctx context.Context) error {
	o.settled = map[string]settled{}
	return control.Controller{
		Name: component, Client: o.Client, Clock: o.Clock, Log: o.Log, Round: o.Round,
		Kinds: []kube.Kind{HyperConvergeds.Kind, KubeVirts.Kind, CDIs.Kind, NetworkAddons.Kind, SSPs.Kind,
			priorityClasses.Kind, kube.Nodes},
	}.Run(ctx)
}

// Round looks at everything once.
func (o *Operator) Round(ctx context.Context) (time.Duration, error) {
	if o.settled == nil {
		o.settled = map[string]settled{}
	}
	if err := o.priorityClass(ctx); err != nil {
		return 0, err
	}
	all, err := control.All[map[string]any](ctx, o.Client, HyperConvergeds.Kind, "")
	if err != nil {
		return 0, err
	}
	var mine *unstructured.Unstructured
	for _, hc := range all {
		u := &unstructured.Unstructured{Object: object.From(hc)} // with integers: its generation is one
		if u.GetName() == Name && u.GetNamespace() == Namespace {
			mine = u
		} else if err := o.refuse(ctx, u); err != nil {
			return 0, err
		}
	}
	if mine == nil {
		o.upgrading = false
		return 0, o.report(ctx, "True", "Upgradeable", "")
	}
	pause, err := o.one(ctx, mine)
	if err != nil && !control.Conflict(err) && ctx.Err() == nil {
		if e := o.say(ctx, mine, "Warning", "ReconcileError", err.Error()); e != nil {
			o.Log.Error("cannot record an event", "error", e)
		}
	}
	return pause, err
}

// refuse marks a HyperConverged that is not the one.
func (o *Operator) refuse(ctx context.Context, u *unstructured.Unstructured) error {
	before := u.DeepCopy()
	v := verdict{}
	v.set(reconcileComplete, "False", "InvalidRequest",
		fmt.Sprintf("Request does not match expected name (%v) and namespace (%v)", Name, Namespace))
	v.write(u.Object, u.GetGeneration(), false, o.Clock.Now())
	return o.status(ctx, before, u)
}

func (o *Operator) one(ctx context.Context, u *unstructured.Unstructured) (time.Duration, error) {
	before := u.DeepCopy()
	hc := u.Object
	placement, err := placementOf(hc)
	if err != nil {
		return 0, err
	}
	cluster, err := ReadCluster(ctx, o.Client, placement)
	if err != nil {
		return 0, err
	}
	cluster.Emulation = o.Emulation
	first := object.Get(hc, "status.conditions") == nil
	if first {
		object.Set(hc, "status.versions", []any{object.Object{"name": "operator", "version": o.Release.Version}})
		starting().write(hc, u.GetGeneration(), false, o.Clock.Now())
		if err := o.say(ctx, u, "Normal", "InitHCO", "Initiating the HyperConverged"); err != nil {
			return 0, err
		}
	}
	if u.GetDeletionTimestamp() != nil {
		return o.remove(ctx, u)
	}
	o.facts(hc, u.GetGeneration(), cluster)
	if changed := o.mark(u); changed {
		// The status first: a write of the rest would take it back.
		if err := o.status(ctx, before, u); err != nil {
			return 0, err
		}
		return again, o.metadata(ctx, u)
	}
	if !first && version(hc) != o.Release.Version && !o.upgrading {
		o.upgrading = true
		message := "Upgrading the HyperConverged to version " + o.Release.Version
		if err := o.say(ctx, u, "Normal", "UpgradeHCO", message); err != nil {
			return 0, err
		}
	}
	v := verdict{}
	upgraded, err := o.children(ctx, u, cluster, v)
	switch {
	case err != nil:
		if control.Conflict(err) {
			return 0, err
		}
		v.fail(err)
	case first:
		return again, o.status(ctx, before, u)
	default:
		o.finish(hc, v, upgraded)
	}
	v.write(hc, u.GetGeneration(), o.upgrading, o.Clock.Now())
	if err := o.transition(ctx, before, u); err != nil {
		return 0, err
	}
	if err := o.status(ctx, before, u); err != nil {
		return 0, err
	}
	if err == nil {
		o.generation = u.GetGeneration()
	}
	if e := o.report(ctx, v[upgradeable].Status, v[upgradeable].Reason, v[upgradeable].Message); e != nil {
		return 0, e
	}
	return 0, err
}

func placementOf(hc object.Object) (*sdk.NodePlacement, error) {
	p := object.Map(hc, "spec.workloads.nodePlacement")
	if p == nil {
		return nil, nil
	}
	out, err := object.To[sdk.NodePlacement](p)
	return &out, err
}

// facts are the parts of the status that do not depend on the children.
func (o *Operator) facts(hc object.Object, generation int64, c Cluster) {
	object.Set(hc, "status.observedGeneration", generation)
	object.Set(hc, "status.infrastructureHighlyAvailable", c.InfrastructureHigh())
	info := object.Object{}
	if len(c.ControlPlaneArchs) > 0 {
		info["controlPlaneArchitectures"] = object.Plain(c.ControlPlaneArchs)
	}
	if len(c.WorkerArchs) > 0 {
		info["workloadsArchitectures"] = object.Plain(c.WorkerArchs)
	}
	object.Set(hc, "status.nodeInfo", info)
	if object.String(hc, "status.dataImportSchedule") == "" {
		//nolint:gosec // a time of day
		object.Set(hc, "status.dataImportSchedule", fmt.Sprintf("%d %d/12 * * *", rand.IntN(60), rand.IntN(12)))
	}
}

// mark adds label and finalizer and reports whether one was missing.
func (o *Operator) mark(u *unstructured.Unstructured) bool {
	changed := object.Finalizer(u, finalizer, true)
	labels := u.GetLabels()
	if labels["app"] == "" {
		if labels == nil {
			labels = map[string]string{}
		}
		labels["app"] = u.GetName()
		u.SetLabels(labels)
		changed = true
	}
	return changed
}

func version(hc object.Object) string {
	for _, v := range object.List(hc, "status.versions") {
		if m, _ := v.(map[string]any); m["name"] == "operator" {
			return object.String(m, "version")
		}
	}
	return ""
}

// finish concludes, and ends an upgrade when all children have their new versions.
func (o *Operator) finish(hc object.Object, v verdict, upgraded bool) {
	well := v.conclude()
	if !o.upgrading {
		return
	}
	if well && upgraded {
		object.Set(hc, "status.versions", []any{object.Object{"name": "operator", "version": o.Release.Version}})
		o.upgrading = false
		return
	}
	v.set(progressing, "True", "HCOUpgrading", "HCO is now upgrading to version "+o.Release.Version)
}

// transition records when the HyperConverged becomes ready, or ceases to be.
func (o *Operator) transition(ctx context.Context, before, u *unstructured.Unstructured) error {
	was, is := ready(before.Object), ready(u.Object)
	switch {
	case is && !was:
		return o.say(ctx, u, "Normal", "ReconcileHCO", "HCO Reconcile completed successfully")
	case was && !is && !o.upgrading:
		return o.say(ctx, u, "Warning", "ReconcileHCO", "Not all the operators are ready")
	}
	return nil
}

func ready(hc object.Object) bool {
	all := object.Conditions(object.List(hc, "status.conditions"))
	a, _ := object.Find(all, available)
	p, _ := object.Find(all, progressing)
	return a.Status == "True" && p.Status == "False"
}

// status writes the status if it has changed.
func (o *Operator) status(ctx context.Context, before, u *unstructured.Unstructured) error {
	if reflect.DeepEqual(object.Plain(before.Object["status"]), object.Plain(u.Object["status"])) {
		return nil
	}
	ref := HyperConvergeds.Ref(u.GetNamespace(), u.GetName())
	if err := o.Client.Update(ctx, ref, "status", u); err != nil {
		return fmt.Errorf("write status of %s: %w", ref, err)
	}
	return nil
}

// metadata writes labels and finalizers alone: the spec is the user's.
func (o *Operator) metadata(ctx context.Context, u *unstructured.Unstructured) error {
	ref := HyperConvergeds.Ref(u.GetNamespace(), u.GetName())
	patch := map[string]any{"metadata": map[string]any{
		"labels": u.GetLabels(), "finalizers": u.GetFinalizers(),
	}}
	if err := o.Client.Patch(ctx, ref, "", patch); err != nil {
		return fmt.Errorf("write finalizers of %s: %w", ref, err)
	}
	return nil
}

func (o *Operator) say(ctx context.Context, u *unstructured.Unstructured, kind, reason, message string) error {
	return control.Event(ctx, o.Client, o.Clock.Now(), component, u, HyperConvergeds.GVK(), kind, reason, message)
}

// report tells the lifecycle manager whether it may upgrade the operator.
func (o *Operator) report(ctx context.Context, status, reason, message string) error {
	if o.Condition == "" {
		return nil
	}
	u, err := control.Find(ctx, o.Client, operatorConditions, Namespace, o.Condition)
	if err != nil || u == nil {
		return err
	}
	if reason == "" || status == "Unknown" || status == "" {
		return nil
	}
	if status == "True" {
		reason, message = "Upgradeable", ""
	}
	before := u.DeepCopy()
	list := slices.Clone(object.List(u.Object, "spec.conditions"))
	object.Set(u.Object, "spec.conditions", object.SetCondition(list,
		object.Condition{Type: upgradeable, Status: status, Reason: reason, Message: message},
		object.Style{Generation: u.GetGeneration()}, o.Clock.Now()))
	// The generation counts writes of the spec, so it is no part of the comparison.
	if sameConditions(before.Object, u.Object) {
		return nil
	}
	if err := o.Client.Update(ctx, operatorConditions.Ref(Namespace, o.Condition), "", u); err != nil {
		return fmt.Errorf("write OperatorCondition %s: %w", o.Condition, err)
	}
	return nil
}

func sameConditions(a, b object.Object) bool {
	return slices.Equal(object.Conditions(object.List(a, "spec.conditions")),
		object.Conditions(object.List(b, "spec.conditions")))
}
