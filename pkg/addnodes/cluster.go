// Package addnodes makes what hosts boot that become nodes of a cluster which runs already: what they
// need to know it reads from the cluster. Who has installed the cluster does not matter.
package addnodes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Cluster is what a cluster says of itself.
type Cluster struct {
	Name, BaseDomain, InfraID string
	// ReleaseImage is the release that the cluster runs, and Version its version.
	ReleaseImage, Version string
	// Stream is what ConfigMap coreos-bootimages has, nil without it.
	Stream *stream.Stream

	PullSecret secret.String
	Proxy      *types.Proxy // nil without one
	Mirrors    []types.ImageDigestSource
	Bundle     string   // authorities that its nodes trust besides those of the system, in PEM
	SSHKeys    []string // of user core on its nodes
	NTPSources []string

	Architecture string // of its control plane, as in amd64
	// HighlyAvailable: the control plane has more than one host.
	HighlyAvailable bool
	Nodes           []agent.Peer
	// Pointers are the Ignition configs with which machines of each role start, in JSON.
	Pointers map[string][]byte

	// InternalAPI is the host and port at which nodes reach the API.
	InternalAPI          string
	APIVIPs, IngressVIPs []netip.Addr
	// ResolvedByOthers: names of the cluster have to resolve before a node can join.
	ResolvedByOthers bool
	MachineNetworks  []netip.Prefix
	OtherNetworks    []netip.Prefix // of pods and services
}

// Secrets must not be shown.
func (c *Cluster) Secrets() []secret.String {
	out := []secret.String{c.PullSecret}
	if c.Proxy != nil {
		out = append(out, secret.InURL(c.Proxy.HTTPProxy)...)
		out = append(out, secret.InURL(c.Proxy.HTTPSProxy)...)
	}
	return out
}

// reader reads a cluster piece by piece.
type reader struct {
	api *kube.Client
	to  *Cluster
	// installed is the install-config that the cluster keeps, which is empty in a cluster without one.
	installed installed
}

// Read reads a cluster for nodes of some roles. Its error names everything that is missing.
func Read(ctx context.Context, api *kube.Client, roles ...string) (*Cluster, error) {
	r := &reader{api: api, to: &Cluster{Pointers: map[string][]byte{}}}
	// Without these nothing else can be asked.
	if err := r.version(ctx); err != nil {
		return nil, exit.With(exit.Other, "see that the API of the cluster answers, and that the user of the kubeconfig is "+
			"an administrator (oc auth can-i '*' '*')", fmt.Errorf("read the cluster at %s: %w", api.URL(), err))
	}
	var missing []error
	for _, read := range []func(context.Context) error{
		r.installConfig, r.infrastructure, r.domain, r.networks, r.nodes, r.pullSecret, r.proxy, r.mirrors,
		r.imageAuthorities, r.bootImages, r.machineConfig,
	} {
		missing = append(missing, read(ctx))
	}
	for _, role := range roles {
		missing = append(missing, r.pointer(ctx, role))
	}
	missing = append(missing, r.machineNetworks())
	if err := errors.Join(missing...); err != nil {
		return nil, exit.With(exit.Other, "the user of the kubeconfig has to be an administrator of a cluster of OKD or "+
			"OpenShift; restore what is missing there, and run the same command again",
			fmt.Errorf("read what new nodes need from the cluster at %s:\n%w", api.URL(), err))
	}
	return r.to, nil
}

// Networks are the machine networks of a cluster.
func Networks(ctx context.Context, api *kube.Client) ([]netip.Prefix, error) {
	r := &reader{api: api, to: &Cluster{}}
	if err := errors.Join(r.installConfig(ctx), r.infrastructure(ctx)); err != nil {
		return nil, err
	}
	err := r.machineNetworks()
	return r.to.MachineNetworks, err
}

// get reads an object that has to be there.
func (r *reader) get(ctx context.Context, ref kube.Ref, into any) error {
	if err := r.api.Get(ctx, ref, into); err != nil {
		return fmt.Errorf("%s: %s", ref, kube.Cause(err))
	}
	return nil
}

// find reads an object that may be missing, and reports whether it is there.
func (r *reader) find(ctx context.Context, ref kube.Ref, into any) (bool, error) {
	err := r.api.Get(ctx, ref, into)
	switch {
	case kube.NotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %s", ref, kube.Cause(err))
	}
	return true, nil
}

// config names a kind of config.openshift.io.
func config(plural string) kube.Kind {
	return kube.Kind{Group: "config.openshift.io", Version: "v1", Plural: plural}
}

// lines are those of a text that are not empty.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
