// Package metal is the lab's operator for hosts with a BMC, and as much of the machine API as
// such clusters need. It reads what the installer wrote as the real ones do, refuses what they
// refuse, and keeps the status of hosts and machines. It provisions nothing, and leaves the
// power of hosts alone.
package metal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Name is that of the ClusterOperator, which is named after its capability.
const Name = string(configv1.ClusterVersionCapabilityBaremetal)

const (
	namespace = "openshift-machine-api"
	every     = 10 * time.Second
	// powerEvery and retryEvery are between two questions to a BMC.
	powerEvery = time.Minute
	retryEvery = 30 * time.Second
)

var (
	provisionings = kube.Kind{Group: "metal3.io", Version: "v1alpha1", Plural: "provisionings"}
	bareHosts     = kube.Kind{Group: "metal3.io", Version: "v1alpha1", Plural: "baremetalhosts"}
	machineKind   = kube.Kind{Group: "machine.openshift.io", Version: "v1beta1", Plural: "machines"}
	machineSets   = kube.Kind{Group: "machine.openshift.io", Version: "v1beta1", Plural: "machinesets"}
)

// Operator is the operator of a cluster.
type Operator struct {
	Client  *api.Client
	Clock   clock.Clock
	News    program.News
	Version string

	ask   asker
	asked map[string]question // by host
}

// question is what a BMC was asked last.
type question struct {
	at      time.Time
	login   string // version of the Secret
	address string
	refused bool
	failed  bool
}

// Run works until ctx ends.
func (o *Operator) Run(ctx context.Context) {
	o.ask, o.asked = ask, map[string]question{}
	program.Loop(ctx, o.Clock, o.News.Log, o.round)
}

// verdict is what the ClusterOperator says.
type verdict struct {
	reason   string
	message  string
	disabled bool
	invalid  bool
}

func (v verdict) conditions() []operator.Condition {
	message := v.message
	if message == "" {
		message = "all is as expected"
	}
	return []operator.Condition{
		// As in OKD: the operator is Available whatever it thinks of its configuration.
		{Type: "Available", Status: true, Reason: v.reason, Message: message},
		{Type: "Progressing", Status: v.invalid, Reason: v.reason, Message: v.message},
		{Type: "Degraded", Status: v.invalid, Reason: v.reason, Message: v.message},
		{Type: "Disabled", Status: v.disabled, Reason: v.reason, Message: v.message},
	}
}

func (o *Operator) round(ctx context.Context) (time.Duration, error) {
	v, err := o.look(ctx)
	if err != nil {
		return every, err
	}
	o.News.Say(Name, strings.TrimSpace(v.reason+" "+v.message))
	s := operator.Status{
		Name: Name, Conditions: v.conditions(),
		Related: []configv1.ObjectReference{
			{Resource: "namespaces", Name: namespace},
			{Group: bareHosts.Group, Resource: bareHosts.Plural, Namespace: namespace},
			{Group: provisionings.Group, Resource: provisionings.Plural},
		},
	}
	if !v.invalid {
		s.Versions = []configv1.OperandVersion{{Name: "operator", Version: o.Version}}
	}
	return every, operator.Report(ctx, o.Client, s, o.Clock.Now())
}

// supported are the platforms on which the operator works.
var supported = []configv1.PlatformType{
	configv1.BareMetalPlatformType, configv1.NonePlatformType, configv1.OpenStackPlatformType,
	configv1.VSpherePlatformType, configv1.AWSPlatformType, configv1.AzurePlatformType, configv1.GCPPlatformType,
	configv1.KubevirtPlatformType,
}

func (o *Operator) look(ctx context.Context) (verdict, error) {
	var infra configv1.Infrastructure
	if err := o.Client.Get(ctx, api.Config("infrastructures").Ref("", "cluster"), &infra); err != nil {
		return verdict{}, fmt.Errorf("read the platform: %w", err)
	}
	platform := infra.Status.Platform //nolint:staticcheck // older installers write this one only
	if s := infra.Status.PlatformStatus; s != nil {
		platform = s.Type
	}
	if !slices.Contains(supported, platform) {
		return verdict{reason: "UnsupportedPlatform", message: "nothing to do on this platform", disabled: true}, nil
	}
	var p provisioning
	err := o.Client.Get(ctx, provisionings.Ref("", provisioningName), &p)
	if kube.NotFound(err) {
		return verdict{reason: "WaitingForProvisioningCR", message: "there is no Provisioning, so hosts are left alone"}, nil
	}
	if err != nil {
		return verdict{}, fmt.Errorf("read Provisioning %s: %w", provisioningName, err)
	}
	if err := p.Spec.check(); err != nil {
		return verdict{reason: "InvalidConfiguration", invalid: true,
			message: kube.OneLine(fmt.Sprintf("Provisioning %s: %v", provisioningName, err))}, nil
	}
	hosts, refused, err := o.hosts(ctx, p.Spec)
	if err == nil {
		err = o.machines(ctx, hosts)
	}
	if err != nil {
		return verdict{}, err
	}
	if refused != nil {
		return verdict{reason: "InvalidConfiguration", invalid: true, message: kube.OneLine(refused.Error())}, nil
	}
	return verdict{reason: "DeployComplete"}, nil
}

// list reads all objects of a kind in a namespace; none if there is no such kind yet.
func list[T any](ctx context.Context, c *api.Client, k kube.Kind, namespace string) ([]T, error) {
	var l struct {
		Items []T `json:"items"`
	}
	if err := c.List(ctx, k, namespace, &l); err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("list %s: %w", k.Plural, err)
	}
	return l.Items, nil
}

// hosts looks at all hosts. Refused is what the real webhook would not have let in.
func (o *Operator) hosts(ctx context.Context, p provisioningSpec) (hosts []metal3.BareMetalHost, refused, err error) {
	where := namespace
	if p.WatchAllNamespaces {
		where = ""
	}
	hosts, err = list[metal3.BareMetalHost](ctx, o.Client, bareHosts, where)
	if err != nil {
		return nil, nil, err
	}
	// Who was first keeps a MAC address.
	slices.SortFunc(hosts, func(a, b metal3.BareMetalHost) int {
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	authorities, err := o.authorities(ctx)
	if err != nil {
		return nil, nil, err
	}
	owners := map[string]string{}
	for i := range hosts {
		h := &hosts[i]
		if err := check(h); err != nil {
			refused = errors.Join(refused, fmt.Errorf("BareMetalHost %s: %w", h.Name, err))
		}
		if err := o.host(ctx, h, p, owners, authorities); err != nil {
			return nil, nil, fmt.Errorf("BareMetalHost %s: %w", h.Name, err)
		}
	}
	return hosts, refused, nil
}

// authorities are those of the BMCs' certificates, as the cluster is told.
func (o *Operator) authorities(ctx context.Context) ([]byte, error) {
	var cm corev1.ConfigMap
	err := o.Client.Get(ctx, kube.ConfigMaps.Ref(namespace, "bmc-verify-ca"), &cm)
	if err != nil && !kube.NotFound(err) {
		return nil, fmt.Errorf("read the BMCs' authorities: %w", err)
	}
	return []byte(cm.Data["verify_ca.crt"]), nil
}
