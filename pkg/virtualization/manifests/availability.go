package manifests

import (
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Objects of node health checks.
const (
	healthCheckName = "okd-install-vm-nodes"
	snrTemplate     = "self-node-remediation-automatic-strategy-template"
)

func (r *renderer) availability(c *virtualization.Config) {
	if n := c.Availability.NodeHealthCheck; n != nil {
		r.nodeHealthCheck(c, *n)
	}
	if d := c.Availability.Descheduler; d != nil {
		r.descheduler(c, *d)
	}
}

func (r *renderer) nodeHealthCheck(c *virtualization.Config, n virtualization.NodeHealthCheck) {
	namespace := r.operator(StepAvailability, snr, c.Operator.Catalog, "")
	r.operator(StepAvailability, nhc, c.Operator.Catalog, "")
	after := n.UnhealthyAfter.String()
	o := newObject("remediation.medik8s.io/v1alpha1", "NodeHealthCheck", "", healthCheckName)
	o["spec"] = object{
		"selector":   object{"matchLabels": labels(n.NodeSelector)},
		"minHealthy": amount(n.MinHealthy),
		"unhealthyConditions": []any{
			object{"type": "Ready", "status": "False", "duration": after},
			object{"type": "Ready", "status": "Unknown", "duration": after},
		},
		"remediationTemplate": object{
			"apiVersion": "self-node-remediation.medik8s.io/v1alpha1", "kind": "SelfNodeRemediationTemplate",
			"name": snrTemplate, "namespace": namespace,
		},
	}
	r.add(StepAvailability, rankSecond, o)
}

func (r *renderer) descheduler(c *virtualization.Config, d virtualization.Descheduler) {
	namespace := r.operator(StepAvailability, descheduler, c.Operator.AddOns, "")
	profile := d.Profile
	spec := tree{object{}}
	if profile == "KubeVirtRelieveAndMigrate" {
		profile = r.deschedulerProfile()
	}
	if profile == "LongLifecycle" { // the other one does this by itself: VMs that migrate are not evicted again
		spec.set(true, "profileCustomizations", "devEnableEvictionsInBackground")
	}
	spec.set("Managed", "managementState")
	spec.set(d.Mode, "mode")
	spec.set([]any{profile}, "profiles")
	spec.set(int64(d.Interval.Seconds()), "deschedulingIntervalSeconds")
	o := newObject("operator.openshift.io/v1", "KubeDescheduler", namespace, "cluster")
	o["spec"] = spec.root
	r.add(StepAvailability, rankSecond, o)
}
