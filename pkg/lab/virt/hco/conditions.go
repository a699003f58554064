package hco

import (
	"maps"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// Types of conditions, in the order in which the status has them.
const (
	reconcileComplete = "ReconcileComplete"
	available         = "Available"
	progressing       = "Progressing"
	degraded          = "Degraded"
	upgradeable       = "Upgradeable"
	tainted           = "TaintedConfiguration"
)

var conditionTypes = []string{reconcileComplete, available, progressing, degraded, upgradeable}

const (
	done        = "ReconcileCompleted"
	doneMessage = "Reconcile completed successfully"
	initMessage = "Initializing HyperConverged cluster"
)

// verdict collects what the children say. While it is collected it holds bad news only; the last child that has
// some of a type is the one that is named.
type verdict map[string]object.Condition

func (v verdict) set(kind, status, reason, message string) {
	v[kind] = object.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

func (v verdict) setIfUnset(kind, status, reason, message string) {
	if _, ok := v[kind]; !ok {
		v.set(kind, status, reason, message)
	}
}

// starting is the status before the first look.
func starting() verdict {
	v := verdict{}
	for kind, status := range map[string]string{
		reconcileComplete: "Unknown", available: "False", progressing: "True", degraded: "False", upgradeable: "Unknown",
	} {
		v.set(kind, status, "Init", initMessage)
	}
	return v
}

// hear takes in the conditions of a child and reports whether it is ready.
func (v verdict) hear(kind string, conditions []object.Condition) bool {
	if len(conditions) == 0 {
		reason, message := kind+"Conditions", kind+" resource has no conditions"
		v.set(available, "False", reason, message)
		v.set(progressing, "True", reason, message)
		v.set(upgradeable, "False", reason, message)
		return false
	}
	ready := true
	seen := map[string]bool{}
	for _, c := range conditions {
		seen[c.Type] = true
		switch {
		case c.Type == available && c.Status == "False":
			v.set(available, "False", kind+"NotAvailable", kind+" is not available: "+c.Message)
			ready = false
		case c.Type == progressing && c.Status == "True":
			reason, message := kind+"Progressing", kind+" is progressing: "+c.Message
			v.set(progressing, "True", reason, message)
			v.setIfUnset(upgradeable, "False", reason, message)
			ready = false
		case c.Type == degraded && c.Status == "True":
			v.set(degraded, "True", kind+"Degraded", kind+" is degraded: "+c.Message)
			ready = false
		case c.Type == upgradeable && c.Status == "False":
			v.set(upgradeable, "False", kind+"NotUpgradeable", kind+" is not upgradeable: "+c.Message)
		}
	}
	if !seen[available] {
		v.set(available, "False", kind+"NotAvailable", `missing "Available" condition`)
	}
	return ready && seen[available] && seen[progressing] && seen[degraded]
}

// conclude fills in what no child has said, and reports whether all of them are well.
func (v verdict) conclude() bool {
	well := len(v) == 0
	v.set(reconcileComplete, "True", done, doneMessage)
	if _, bad := v[degraded]; bad {
		v.setIfUnset(progressing, "False", done, doneMessage)
		v.setIfUnset(upgradeable, "False", "HCODegraded", "HCO is not Upgradeable due to degraded components")
		v.setIfUnset(available, "False", "HCODegraded", "HCO is not available due to degraded components")
		return well
	}
	v.set(degraded, "False", done, doneMessage)
	if _, busy := v[progressing]; busy {
		v.setIfUnset(upgradeable, "False", "HCOProgressing", "HCO is not Upgradeable due to progressing components")
	} else {
		v.set(progressing, "False", done, doneMessage)
		v.setIfUnset(upgradeable, "True", done, doneMessage)
	}
	v.setIfUnset(available, "True", done, doneMessage)
	return well
}

// fail is the verdict when a child could not be brought to what it should be.
func (v verdict) fail(err error) {
	v.set(reconcileComplete, "False", "ReconcileFailed", "Error while reconciling: "+err.Error())
}

// write puts the verdict into a status: conditions, and the health that follows from them.
func (v verdict) write(hc object.Object, generation int64, upgrading bool, now time.Time) {
	list := slices.Clone(object.List(hc, "status.conditions"))
	style := object.Style{Generation: generation}
	for _, kind := range conditionTypes {
		c, ok := v[kind]
		if !ok {
			c = object.Condition{Type: kind, Status: "Unknown", Reason: "StatusUnknown", Message: "Unknown Status"}
		}
		list = object.SetCondition(list, c, style, now)
	}
	list = slices.DeleteFunc(list, func(c any) bool {
		m, _ := c.(map[string]any)
		return m["type"] == tainted && !isTainted(hc)
	})
	if isTainted(hc) {
		list = object.SetCondition(list, object.Condition{Type: tainted, Status: "True",
			Reason: "UnsupportedFeatureAnnotation", Message: "Unsupported feature was activated via an HCO annotation"},
			style, now)
	}
	object.Set(hc, "status.conditions", list)
	object.Set(hc, "status.systemHealthStatus", v.health(upgrading))
}

// isTainted reports whether an annotation changes a child.
func isTainted(hc object.Object) bool {
	return slices.ContainsFunc(patchAnnotations, func(name string) bool {
		text, ok := object.Map(hc, "metadata.annotations")[name].(string)
		return ok && patches(text) > 0
	})
}

func (v verdict) health(upgrading bool) string {
	is := func(kind string) bool { return v[kind].Status == "True" }
	switch {
	case is(degraded) || !upgrading && !is(available):
		return "error"
	case !is(reconcileComplete) || !upgrading && is(progressing):
		return "warning"
	}
	return "healthy"
}

// String is the verdict in a line of the log.
func (v verdict) String() string {
	out := ""
	for _, kind := range slices.Sorted(maps.Keys(v)) {
		out += kind + "=" + v[kind].Status + "(" + v[kind].Reason + ") "
	}
	return out
}
