package cnao

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	conditionsv1 "github.com/openshift/custom-resource-status/conditions/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

const (
	name = "cluster" // of the only configuration that counts
	// marker is the workload on the nodes, which in the real operator are two.
	marker = "bridge-marker"
)

var configs = kube.Kind{
	Group: "networkaddonsoperator.network.kubevirt.io", Version: "v1", Plural: "networkaddonsconfigs",
}

// Operator keeps what a NetworkAddonsConfig asks for.
type Operator struct {
	Client    *api.Client
	Clock     clock.Clock
	Log       *slog.Logger
	Version   string
	Namespace string // of what it starts
	Image     string
	Plugins   string // the nodes' directory of CNI plugins

	applier control.Applier
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) error {
	return control.Controller{
		Name: "cluster-network-addons-operator", Client: o.Client, Clock: o.Clock, Log: o.Log, Round: o.Round,
		Kinds: []kube.Kind{configs, control.DaemonSets},
	}.Run(ctx)
}

// Round looks at everything once.
func (o *Operator) Round(ctx context.Context) (time.Duration, error) {
	c, err := control.FindAs[Config](ctx, o.Client, configs, "", name)
	if err != nil {
		return 0, err
	}
	if c == nil || c.DeletionTimestamp != nil {
		return 0, o.clear(ctx)
	}
	before := c.Status
	before.Conditions = slices.Clone(before.Conditions)
	failure := o.check(c.Spec)
	switch {
	case failure != nil:
		o.invalid(&c.Status, failure)
	case c.Spec.LinuxBridge == nil:
		if failure = o.clear(ctx); failure == nil {
			o.settled(&c.Status, control.Rollout{Exists: true})
		}
	default:
		if failure = o.deploy(ctx, c); failure == nil {
			var r control.Rollout
			if r, failure = control.Look(ctx, o.Client, control.DaemonSets, o.Namespace, marker); failure == nil {
				if !r.Exists {
					o.applier.Forget()
				}
				o.settled(&c.Status, r)
			}
		}
	}
	c.Status.OperatorVersion, c.Status.TargetVersion = o.Version, o.Version
	if !reflect.DeepEqual(before, c.Status) {
		patch := map[string]any{"status": c.Status}
		if err := o.Client.Patch(ctx, configs.Ref("", name), "status", patch); err != nil {
			return 0, fmt.Errorf("write status of NetworkAddonsConfig: %w", err)
		}
	}
	return 0, failure
}

// check refuses what the lab cannot do, as the real operator refuses what it cannot.
func (o *Operator) check(s Spec) error {
	if s.KubeMacPool != nil && (s.KubeMacPool.RangeStart == "") != (s.KubeMacPool.RangeEnd == "") {
		return fmt.Errorf("both or none of the KubeMacPool ranges needs to be configured")
	}
	return nil
}

// invalid marks a configuration that only its author can mend.
func (o *Operator) invalid(s *Status, err error) {
	now := o.Clock.Now()
	set := func(kind conditionsv1.ConditionType, is bool, reason, message string) {
		control.Set(&s.Conditions, kind, is, reason, message, now)
	}
	set(conditionsv1.ConditionDegraded, true, "FailedToValidate", "failed to validate: "+err.Error())
	set(conditionsv1.ConditionAvailable, false, "Failing", "Unable to apply desired configuration")
	set(conditionsv1.ConditionProgressing, false, "InvalidConfiguration",
		"Human interaction is needed, please fix the desired configuration")
}

// settled says how far the workload on the nodes is.
func (o *Operator) settled(s *Status, r control.Rollout) {
	now := o.Clock.Now()
	full := fmt.Sprintf("%q", o.Namespace+"/"+marker)
	busy := ""
	switch {
	case r.Observed < r.Generation:
		busy = fmt.Sprintf("DaemonSet %s update is being processed (generation %d, observed generation %d)", full,
			r.Generation, r.Observed)
	case !r.Exists || r.Available == 0 && r.Wanted > 0:
		busy = fmt.Sprintf("DaemonSet %s is not yet scheduled on any nodes", full)
	case r.Available < r.Wanted:
		busy = fmt.Sprintf("DaemonSet %s is not available (awaiting %d nodes)", full, r.Wanted-r.Available)
	case r.Updated < r.Wanted:
		busy = fmt.Sprintf("DaemonSet %s update is rolling out (%d out of %d updated)", full, r.Updated, r.Wanted)
	}
	control.Set(&s.Conditions, conditionsv1.ConditionDegraded, false, "", "", now)
	if busy != "" {
		control.Set(&s.Conditions, conditionsv1.ConditionProgressing, true, "Deploying", busy, now)
		control.Set(&s.Conditions, conditionsv1.ConditionAvailable, false, "Startup", "Configuration is in process", now)
		return
	}
	control.Set(&s.Conditions, conditionsv1.ConditionProgressing, false, "", "", now)
	control.Set(&s.Conditions, conditionsv1.ConditionAvailable, true, "", "", now)
	s.ObservedVersion = o.Version
}

// deploy starts the workload on the nodes.
func (o *Operator) deploy(ctx context.Context, c *Config) error {
	p := control.Pods{
		Namespace: o.Namespace, Name: marker, Part: "network", Image: o.Image, Command: []string{marker},
		Privileged: true, HostNetwork: true,
		Env: []corev1.EnvVar{{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"},
		}}},
		Mounts: []corev1.VolumeMount{{Name: "cnibin", MountPath: hostPlugins}},
		Volumes: []corev1.Volume{{Name: "cnibin", VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: o.Plugins},
		}}},
		Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
	}
	if w := c.Spec.PlacementConfiguration; w != nil && w.Workloads != nil {
		p.NodeSelector, p.Affinity = w.Workloads.NodeSelector, &w.Workloads.Affinity
		p.Tolerations = append(p.Tolerations, w.Workloads.Tolerations...)
	}
	c.Status.Containers = []Container{{ParentKind: "DaemonSet", ParentName: marker, Name: marker, Image: o.Image}}
	return o.applier.Apply(ctx, o.Client, o.Clock, append(p.Account(), p.DaemonSet())...)
}

// clear takes the workload away.
func (o *Operator) clear(ctx context.Context) error {
	return control.GoneWithAccount(ctx, o.Client, control.DaemonSets, o.Namespace, marker)
}
