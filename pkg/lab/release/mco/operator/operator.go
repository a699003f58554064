// Package operator is the machine config operator in the cluster: it keeps
// the configs and pools rendered, reports which nodes have which config, and
// says so in ClusterOperator machine-config. It does not change running
// nodes: a node gets its config when it is installed.
package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/controller"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// owner is the field manager of all that the operator applies.
const owner = "machine-config-operator"

// Operator reconciles one cluster.
type Operator struct {
	API     *kube.Client
	Version string
	Clock   clock.Clock
	Log     *slog.Logger
}

// Command runs `machine-config-operator start`.
func Command(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("machine-config-operator start", pflag.ContinueOnError)
	kubeconfig := f.String("kubeconfig", "", "credentials; empty means the pod's")
	f.String("payload-version", "", "version of the release")
	if err := f.Parse(args); err != nil {
		return err
	}
	api, err := kube.Dial(*kubeconfig)
	if err != nil {
		return err
	}
	o := &Operator{
		API: api, Version: os.Getenv("RELEASE_VERSION"), Clock: clock.Real(),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	return o.Run(ctx)
}

// Run reconciles until ctx ends: often while something is on its way, seldom
// when all is as it should be.
func (o *Operator) Run(ctx context.Context) error {
	last := ""
	for {
		settled, err := o.Sync(ctx)
		if err != nil && err.Error() != last {
			last = err.Error()
			o.Log.Error("sync failed", "error", err)
		}
		if err == nil && last != "" {
			last = ""
			o.Log.Info("sync succeeds again")
		}
		pause := 3 * time.Second
		if settled && err == nil {
			pause = 20 * time.Second
		}
		if o.Clock.Sleep(ctx, pause) != nil {
			return nil
		}
	}
}

// Sync reconciles once. settled says that nothing is on its way.
func (o *Operator) Sync(ctx context.Context) (settled bool, err error) {
	pools, syncErr := o.pools(ctx)
	status, err := o.observe(ctx, pools, syncErr)
	if err != nil {
		return false, errors.Join(syncErr, err)
	}
	return status.settled(), errors.Join(syncErr, o.report(ctx, status))
}

// pools renders the pools and writes their configuration and status.
func (o *Operator) pools(ctx context.Context) ([]*mcfgv1.MachineConfigPool, error) {
	in, have, err := o.inputs(ctx)
	if err != nil {
		return nil, err
	}
	pools, configs, err := in.Render()
	if err != nil {
		return nil, err
	}
	for _, c := range configs {
		if same(have[c.Name], c) {
			continue
		}
		if err := o.API.Apply(ctx, kube.MachineConfig+"/machineconfigs/"+c.Name, owner, c); err != nil {
			return nil, fmt.Errorf("write machine config: %w", err)
		}
		o.Log.Info("machine config written", "name", c.Name)
	}
	var nodes corev1.NodeList
	if err := o.API.Get(ctx, kube.Core+"/nodes", &nodes); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	if err := o.schedulable(ctx, nodes.Items); err != nil {
		return nil, err
	}
	for i, p := range pools {
		Count(p, nodes.Items, o.Clock.Now())
		if err := o.writePool(ctx, in.Pools[i], p); err != nil {
			return nil, err
		}
	}
	return pools, nil
}

// inputs reads what rendering depends on, and the configs that exist.
func (o *Operator) inputs(ctx context.Context) (controller.Inputs, map[string]*mcfgv1.MachineConfig, error) {
	in := controller.Inputs{Controller: new(mcfgv1.ControllerConfig)}
	if err := o.API.Get(ctx, kube.MachineConfig+"/controllerconfigs/"+mc.ControllerName, in.Controller); err != nil {
		return in, nil, fmt.Errorf("read controller config, which the bootstrap makes: %w", err)
	}
	ref := in.Controller.Spec.PullSecret
	if ref == nil {
		return in, nil, errors.New("read controller config: spec.pullSecret must be set")
	}
	var pull corev1.Secret
	if err := o.API.Get(ctx, kube.Core+"/namespaces/"+ref.Namespace+"/secrets/"+ref.Name, &pull); err != nil {
		return in, nil, fmt.Errorf("read pull secret: %w", err)
	}
	in.PullSecret = pull.Data[corev1.DockerConfigJsonKey]

	var pools mcfgv1.MachineConfigPoolList
	if err := o.API.Get(ctx, kube.MachineConfig+"/machineconfigpools", &pools); err != nil {
		return in, nil, fmt.Errorf("list pools: %w", err)
	}
	for i := range pools.Items {
		in.Pools = append(in.Pools, &pools.Items[i])
	}
	var configs mcfgv1.MachineConfigList
	if err := o.API.Get(ctx, kube.MachineConfig+"/machineconfigs", &configs); err != nil {
		return in, nil, fmt.Errorf("list machine configs: %w", err)
	}
	have := map[string]*mcfgv1.MachineConfig{}
	for i := range configs.Items {
		c := &configs.Items[i]
		have[c.Name] = c
		in.Configs = append(in.Configs, c)
	}
	sets, err := o.mirrors(ctx)
	in.Mirrors = sets
	return in, have, err
}

// mirrors reads mirror sets of both kinds; a release may lack their CRDs.
func (o *Operator) mirrors(ctx context.Context) ([]render.Mirror, error) {
	var sets configv1.ImageDigestMirrorSetList
	if err := o.API.Get(ctx, kube.Config+"/imagedigestmirrorsets", &sets); err != nil && !kube.IsNotFound(err) {
		return nil, fmt.Errorf("list mirror sets: %w", err)
	}
	var old operatorv1alpha1.ImageContentSourcePolicyList
	if err := o.API.Get(ctx, "/apis/operator.openshift.io/v1alpha1/imagecontentsourcepolicies", &old); err != nil && !kube.IsNotFound(err) {
		return nil, fmt.Errorf("list mirror policies: %w", err)
	}
	for _, p := range old.Items {
		sets.Items = append(sets.Items, controller.FromPolicy(p))
	}
	return render.Mirrors(sets.Items), nil
}

// same compares what machines would get, not bytes: the API server orders
// JSON its own way.
func same(have, want *mcfgv1.MachineConfig) bool {
	if have == nil {
		return false
	}
	a, errA := mc.Render("x", []*mcfgv1.MachineConfig{have})
	b, errB := mc.Render("x", []*mcfgv1.MachineConfig{want})
	return errA == nil && errB == nil && a.Name == b.Name
}
