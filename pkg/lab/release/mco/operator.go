package mco

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// reconciler is the operator in the cluster: it keeps configs and pools rendered
// and reports in ClusterOperator machine-config. It does not change running nodes.
type reconciler struct {
	client  *api.Client
	version string
	clock   clock.Clock
	log     *slog.Logger
}

// startOperator is `machine-config-operator start`.
func startOperator(ctx context.Context, args []string) error {
	f := contract.Flags("machine-config-operator start")
	kubeconfig := f.String("kubeconfig", "", "credentials; empty means the pod's")
	f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, args); err != nil {
		return err
	}
	c, err := api.Connect("machine-config-operator", *kubeconfig)
	if err != nil {
		return err
	}
	version, clk, log := os.Getenv(contract.VersionVariable), clock.Real(), program.Logger()
	r := &reconciler{client: c, version: version, clock: clk, log: log}
	program.Loop(ctx, clk, log, func(ctx context.Context) (time.Duration, error) {
		settled, err := r.sync(ctx)
		if settled && err == nil {
			return 20 * time.Second, nil
		}
		return 3 * time.Second, err
	})
	return nil
}

// sync reconciles once. settled says that nothing is on its way.
func (r *reconciler) sync(ctx context.Context) (settled bool, err error) {
	pools, syncErr := r.pools(ctx)
	s, err := r.observe(ctx, pools, syncErr)
	if err == nil {
		settled = s.settled()
		err = r.report(ctx, s)
	}
	return settled, errors.Join(syncErr, err)
}

// pools renders the pools and writes their configuration and status.
func (r *reconciler) pools(ctx context.Context) ([]*mcfgv1.MachineConfigPool, error) {
	in, err := r.inputs(ctx)
	if err != nil {
		return nil, err
	}
	pools, configs, err := in.Render()
	if err != nil {
		return nil, err
	}
	have := map[string]*mcfgv1.MachineConfig{}
	for _, c := range in.Configs {
		have[c.Name] = c
	}
	for _, c := range configs {
		if same(have[c.Name], c) {
			continue
		}
		err := r.client.Apply(ctx, machineKind("machineconfigs").Ref("", c.Name), "machine-config-operator", c)
		if err != nil {
			return nil, fmt.Errorf("write machine config: %w", err)
		}
		r.log.Info("machine config written", "name", c.Name)
	}
	var nodes corev1.NodeList
	if err := r.client.List(ctx, kube.Nodes, "", &nodes); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	if err := r.schedulable(ctx, nodes.Items); err != nil {
		return nil, err
	}
	for i, p := range pools {
		count(p, nodes.Items, r.clock.Now())
		if err := r.writePool(ctx, in.Pools[i], p); err != nil {
			return nil, err
		}
	}
	return pools, nil
}

// inputs reads what rendering depends on, the rendered configs included.
func (r *reconciler) inputs(ctx context.Context) (render.Inputs, error) {
	in := render.Inputs{Controller: new(mcfgv1.ControllerConfig)}
	err := r.client.Get(ctx, machineKind("controllerconfigs").Ref("", render.ControllerName), in.Controller)
	if err != nil {
		return in, fmt.Errorf("read controller config, which the bootstrap makes: %w", err)
	}
	ref := in.Controller.Spec.PullSecret
	if ref == nil {
		return in, errors.New("read controller config: spec.pullSecret must be set")
	}
	var pull corev1.Secret
	if err := r.client.Get(ctx, kube.Secrets.Ref(ref.Namespace, ref.Name), &pull); err != nil {
		return in, fmt.Errorf("read pull secret: %w", err)
	}
	in.PullSecret = pull.Data[corev1.DockerConfigJsonKey]

	var pools mcfgv1.MachineConfigPoolList
	if err := r.client.List(ctx, machineKind("machineconfigpools"), "", &pools); err != nil {
		return in, fmt.Errorf("list pools: %w", err)
	}
	for i := range pools.Items {
		in.Pools = append(in.Pools, &pools.Items[i])
	}
	var configs mcfgv1.MachineConfigList
	if err := r.client.List(ctx, machineKind("machineconfigs"), "", &configs); err != nil {
		return in, fmt.Errorf("list machine configs: %w", err)
	}
	for i := range configs.Items {
		in.Configs = append(in.Configs, &configs.Items[i])
	}
	in.Mirrors, err = r.mirrors(ctx)
	return in, err
}

// mirrors reads mirror sets of both kinds; a release may lack their CRDs.
func (r *reconciler) mirrors(ctx context.Context) ([]configv1.ImageDigestMirrorSet, error) {
	var sets configv1.ImageDigestMirrorSetList
	err := r.client.List(ctx, api.Config("imagedigestmirrorsets"), "", &sets)
	if err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("list mirror sets: %w", err)
	}
	policies := kube.Kind{Group: "operator.openshift.io", Version: "v1alpha1", Plural: "imagecontentsourcepolicies"}
	var old operatorv1alpha1.ImageContentSourcePolicyList
	if err := r.client.List(ctx, policies, "", &old); err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("list mirror policies: %w", err)
	}
	for _, p := range old.Items {
		sets.Items = append(sets.Items, render.FromPolicy(p))
	}
	return sets.Items, nil
}

// same compares what machines would get: the API server orders JSON its own way.
func same(have, want *mcfgv1.MachineConfig) bool {
	if have == nil {
		return false
	}
	a, errA := render.Merge("x", []*mcfgv1.MachineConfig{have})
	b, errB := render.Merge("x", []*mcfgv1.MachineConfig{want})
	return errA == nil && errB == nil && a.Name == b.Name
}

// writePool writes what changed of a pool.
func (r *reconciler) writePool(ctx context.Context, have, want *mcfgv1.MachineConfigPool) error {
	ref := machineKind("machineconfigpools").Ref("", want.Name)
	if !reflect.DeepEqual(have.Spec.Configuration, want.Spec.Configuration) {
		patch := map[string]any{"spec": map[string]any{"configuration": want.Spec.Configuration}}
		if err := r.client.Patch(ctx, ref, "", patch); err != nil {
			return fmt.Errorf("write pool: %w", err)
		}
		r.log.Info("pool configured", "pool", want.Name, "config", want.Spec.Configuration.Name)
	}
	if reflect.DeepEqual(have.Status, want.Status) {
		return nil
	}
	if err := r.client.Patch(ctx, ref, "status", map[string]any{"status": want.Status}); err != nil {
		return fmt.Errorf("write status of pool: %w", err)
	}
	return nil
}

// state is what the ClusterOperator's conditions follow from.
type state struct {
	failed    error
	rendered  bool     // the masters' pool has a config
	waiting   []string // what has not arrived yet
	serversUp bool
}

func (s state) settled() bool {
	return s.failed == nil && s.rendered && s.serversUp && len(s.waiting) == 0
}

// observe looks at pools and servers.
func (r *reconciler) observe(ctx context.Context, pools []*mcfgv1.MachineConfigPool, failed error) (state, error) {
	s := state{failed: failed}
	for _, p := range pools {
		st := p.Status
		if p.Name == "master" {
			s.rendered = p.Spec.Configuration.Name != ""
			if st.MachineCount == 0 {
				s.waiting = append(s.waiting, "pool master has no node yet")
			}
		}
		if st.UpdatedMachineCount < st.MachineCount {
			s.waiting = append(s.waiting, fmt.Sprintf("pool %s: %d of %d nodes have config %s",
				p.Name, st.UpdatedMachineCount, st.MachineCount, p.Spec.Configuration.Name))
		}
	}
	var ds appsv1.DaemonSet
	daemonSets := kube.Kind{Group: "apps", Version: "v1", Plural: "daemonsets"}
	err := r.client.Get(ctx, daemonSets.Ref(namespace, "machine-config-server"), &ds)
	if kube.NotFound(err) {
		s.waiting = append(s.waiting, "daemon set machine-config-server does not exist yet")
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read machine config server: %w", err)
	}
	st := ds.Status
	s.serversUp = st.NumberAvailable > 0
	if st.ObservedGeneration < ds.Generation || st.UpdatedNumberScheduled < st.DesiredNumberScheduled {
		s.waiting = append(s.waiting, fmt.Sprintf("machine-config-server: %d of %d pods are up to date",
			st.UpdatedNumberScheduled, st.DesiredNumberScheduled))
	}
	return s, nil
}

// conditions are the state in the ClusterOperator's words.
func (s state) conditions() []operator.Condition {
	const good = operator.AsExpected
	available, progressing, degraded := s.rendered && s.serversUp, len(s.waiting) > 0, s.failed != nil
	message, fault := "machines can be configured", ""
	if !available {
		message = "no machine config server is available or the masters' pool is not rendered"
	}
	if degraded {
		fault = s.failed.Error()
	}
	return []operator.Condition{
		operator.Is("Available", available, good, "NotServing", message),
		operator.Is("Progressing", progressing, "Waiting", good, strings.Join(s.waiting, "; ")),
		operator.Is("Degraded", degraded, "SyncFailed", good, fault),
	}
}

// report writes ClusterOperator machine-config if anything in it changed.
func (r *reconciler) report(ctx context.Context, s state) error {
	const group = "machineconfiguration.openshift.io"
	status := operator.Status{Name: "machine-config", Conditions: s.conditions(), Related: []configv1.ObjectReference{
		{Resource: "namespaces", Name: namespace},
		{Group: group, Resource: "machineconfigpools"},
		{Group: group, Resource: "controllerconfigs"},
		{Group: group, Resource: "machineconfigs"},
		{Resource: "nodes"},
	}}
	if s.settled() && r.version != "" {
		status.Versions = []configv1.OperandVersion{{Name: "operator", Version: r.version}}
	}
	return operator.Report(ctx, r.client, status, r.clock.Now())
}
