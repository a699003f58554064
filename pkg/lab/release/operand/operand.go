// Package operand runs the lab's small operators: each applies manifests and
// reports from the state of what they started.
package operand

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

const (
	busyEvery = time.Second      // between looks while something is missing
	idleEvery = 10 * time.Second // between looks afterwards
	resync    = 5 * time.Minute  // between applies of unchanged manifests
)

// Operator keeps one part of the cluster as it should be.
type Operator struct {
	Name      string     // of the ClusterOperator
	Manifests string     // file in the operands directory; empty for none
	Workloads []Workload // that must run for the part to work
	// Before makes what the manifests need; After runs once the workloads are up and
	// returns what is still missing. Either may be nil.
	Before func(context.Context, *api.Client, Cluster) error
	After  func(context.Context, *api.Client, Cluster) (missing string, err error)
}

// Runner runs operators in one process.
type Runner struct {
	Client    *api.Client
	Clock     clock.Clock
	News      program.News
	Files     fs.FS // manifests of the operands
	Images    func(name string) string
	Version   string
	Operators []Operator

	applied map[string]applied
}

type applied struct {
	text []byte
	at   time.Time
}

// Run works until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	r.applied = map[string]applied{}
	program.Loop(ctx, r.Clock, r.News.Log, r.round)
}

// round looks at every operator once.
func (r *Runner) round(ctx context.Context) (pause time.Duration, err error) {
	cluster, err := readCluster(ctx, r.Client, r.Images, r.Version)
	if err != nil {
		return busyEvery, err
	}
	pause = idleEvery
	for _, o := range r.Operators {
		h := r.sync(ctx, o, cluster)
		if ctx.Err() != nil {
			return busyEvery, nil
		}
		if !h.available || h.progressing || h.degraded {
			pause = busyEvery
		}
		r.News.Say(o.Name, h.String())
		s := operator.Status{Name: o.Name, Conditions: h.conditions(), Related: o.related()}
		// The version is reported once it works, as OKD's operators do.
		if h.available && !h.progressing {
			s.Versions = []configv1.OperandVersion{{Name: "operator", Version: r.Version}}
		}
		if err := operator.Report(ctx, r.Client, s, r.Clock.Now()); err != nil {
			r.News.Say(o.Name+" report", err.Error())
			pause = busyEvery
		}
	}
	return pause, nil
}

func (r *Runner) sync(ctx context.Context, o Operator, cluster Cluster) health {
	if o.Before != nil {
		if err := o.Before(ctx, r.Client, cluster); err != nil {
			return failed("PreparationFailed", err)
		}
	}
	if err := r.apply(ctx, o, cluster); err != nil {
		return failed("ApplyFailed", err)
	}
	h, err := lookAt(ctx, r.Client, o.Workloads)
	if err != nil {
		return failed("StatusUnknown", err)
	}
	if !h.available || o.After == nil {
		return h
	}
	missing, err := o.After(ctx, r.Client, cluster)
	if err != nil {
		return failed("CheckFailed", err)
	}
	if missing != "" {
		return health{progressing: true, reason: "Incomplete", message: missing}
	}
	return h
}

// apply brings the manifests to the server when they changed and now and then.
func (r *Runner) apply(ctx context.Context, o Operator, cluster Cluster) error {
	if o.Manifests == "" {
		return nil
	}
	text, err := program.FillFile(r.Files, o.Manifests, cluster)
	if err != nil {
		return err
	}
	last, now := r.applied[o.Name], r.Clock.Now()
	if bytes.Equal(last.text, text) && now.Sub(last.at) < resync {
		return nil
	}
	objects, err := api.Decode(text)
	if err != nil {
		return fmt.Errorf("parse manifests of %s: %w", o.Name, err)
	}
	for _, object := range objects {
		if err := r.Client.ApplyObject(ctx, object); err != nil {
			return err
		}
	}
	r.applied[o.Name] = applied{text, now}
	return nil
}

func (o Operator) related() []configv1.ObjectReference {
	var out []configv1.ObjectReference
	for _, w := range o.Workloads {
		ref := w.ref()
		out = append(out, configv1.ObjectReference{
			Group: ref.Kind.Group, Resource: ref.Kind.Plural, Namespace: ref.Namespace, Name: ref.Name,
		})
	}
	return out
}

// Cluster is what operands are rendered from.
type Cluster struct {
	APIHost, APIPort string   // internal load balancer
	PodCIDRs         []string // of all nodes together
	DNSAddress       string   // service address of the cluster DNS
	BaseDomain       string   // <cluster>.<base domain>
	AppsDomain       string   // where routes get their names
	Replicas         int      // of what should survive a node
	Version          string

	images func(string) string
}

// Image is the pull spec that the release gave for a name.
func (c Cluster) Image(name string) (string, error) {
	if spec := c.images(name); spec != "" {
		return spec, nil
	}
	return "", fmt.Errorf("environment variable %s with an image is not set", name)
}

// readCluster reads the cluster's configuration.
func readCluster(ctx context.Context, client *api.Client, images func(string) string, version string) (Cluster, error) {
	var infra configv1.Infrastructure
	var network configv1.Network
	var ingress configv1.Ingress
	var dns configv1.DNS
	for plural, into := range map[string]any{
		"infrastructures": &infra, "networks": &network, "ingresses": &ingress, "dnses": &dns,
	} {
		if err := client.Get(ctx, api.Config(plural).Ref("", "cluster"), into); err != nil {
			return Cluster{}, fmt.Errorf("read the cluster's configuration: %w", err)
		}
	}
	c := Cluster{
		BaseDomain: dns.Spec.BaseDomain, AppsDomain: ingress.Spec.Domain, Version: version, Replicas: 2, images: images,
	}
	internal := infra.Status.APIServerInternalURL
	u, err := url.Parse(internal)
	if err != nil || u.Hostname() == "" {
		return Cluster{}, fmt.Errorf("internal API URL %q of Infrastructure is not a URL", internal)
	}
	c.APIHost, c.APIPort = u.Hostname(), u.Port()
	if infra.Status.InfrastructureTopology == configv1.SingleReplicaTopologyMode {
		c.Replicas = 1
	}
	for _, n := range network.Spec.ClusterNetwork {
		c.PodCIDRs = append(c.PodCIDRs, n.CIDR)
	}
	c.DNSAddress, err = clusterconfig.DNSAddress(network.Spec)
	return c, err
}
