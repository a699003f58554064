package addnodes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/stream-metadata-go/stream"
	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Namespaces of the cluster's own objects.
const (
	configNamespace  = "openshift-config"
	machineConfigs   = "openshift-machine-config-operator"
	machineNamespace = "openshift-machine-api"
	systemNamespace  = "kube-system"
)

// version is the release that the cluster runs. While it is being updated, that is the one before:
// new nodes get the version of their pool when they join.
func (r *reader) version(ctx context.Context) error {
	var v configv1.ClusterVersion
	if err := r.get(ctx, kube.ClusterVersions.Ref("", "version"), &v); err != nil {
		return err
	}
	for _, h := range v.Status.History {
		if h.State == configv1.CompletedUpdate {
			r.to.ReleaseImage, r.to.Version = h.Image, h.Version
			return nil
		}
	}
	return errors.New("clusterversions/version: no release has been installed completely; wait until the installation " +
		"is complete")
}

// installed is what of the install-config counts here. Most of it is out of date in a cluster that
// was changed, so that it only stands in for what nothing else says.
type installed struct {
	SSHKey     string `json:"sshKey"`
	Networking struct {
		MachineNetwork []struct{ CIDR string } `json:"machineNetwork"`
		MachineCIDR    string                  `json:"machineCIDR"`
	} `json:"networking"`
}

func (r *reader) installConfig(ctx context.Context) error {
	var cm corev1.ConfigMap
	ref := kube.ConfigMaps.Ref(systemNamespace, "cluster-config-v1")
	if found, err := r.find(ctx, ref, &cm); err != nil || !found {
		return err
	}
	if err := yaml.Unmarshal([]byte(cm.Data["install-config"]), &r.installed); err != nil {
		return fmt.Errorf("%s: read install-config: %w", ref, err)
	}
	return nil
}

func (r *reader) infrastructure(ctx context.Context) error {
	var infra configv1.Infrastructure
	ref := config("infrastructures").Ref("", "cluster")
	if err := r.get(ctx, ref, &infra); err != nil {
		return err
	}
	c, s := r.to, infra.Status
	c.InfraID = s.InfrastructureName
	c.HighlyAvailable = s.ControlPlaneTopology == configv1.HighlyAvailableTopologyMode
	internal, err := url.Parse(s.APIServerInternalURL)
	if err != nil || internal.Hostname() == "" {
		return fmt.Errorf("%s: status.apiServerInternalURI is %q, which is no URL", ref, s.APIServerInternalURL)
	}
	c.InternalAPI = net.JoinHostPort(internal.Hostname(), cmp.Or(internal.Port(), "6443"))
	api, ingress, user := virtualAddresses(s.PlatformStatus)
	if c.APIVIPs, err = addresses(api); err != nil {
		return fmt.Errorf("%s: virtual addresses of the API: %w", ref, err)
	}
	if c.IngressVIPs, err = addresses(ingress); err != nil {
		return fmt.Errorf("%s: virtual addresses of ingress: %w", ref, err)
	}
	c.ResolvedByOthers = len(c.APIVIPs) == 0 || user
	c.MachineNetworks, err = prefixes(platformNetworks(infra.Spec.PlatformSpec))
	if err != nil {
		return fmt.Errorf("%s: machine networks: %w", ref, err)
	}
	return nil
}

// virtualAddresses are those of the cluster, and whether a load balancer of the user has them.
func virtualAddresses(p *configv1.PlatformStatus) (api, ingress []string, user bool) {
	managed := func(t configv1.PlatformLoadBalancerType) bool { return t == configv1.LoadBalancerTypeUserManaged }
	switch {
	case p == nil:
	case p.BareMetal != nil:
		b := p.BareMetal
		return b.APIServerInternalIPs, b.IngressIPs, b.LoadBalancer != nil && managed(b.LoadBalancer.Type)
	case p.Ovirt != nil:
		o := p.Ovirt
		return o.APIServerInternalIPs, o.IngressIPs, o.LoadBalancer != nil && managed(o.LoadBalancer.Type)
	case p.VSphere != nil:
		v := p.VSphere
		return v.APIServerInternalIPs, v.IngressIPs, v.LoadBalancer != nil && managed(v.LoadBalancer.Type)
	case p.Nutanix != nil:
		n := p.Nutanix
		return n.APIServerInternalIPs, n.IngressIPs, n.LoadBalancer != nil && managed(n.LoadBalancer.Type)
	case p.OpenStack != nil:
		o := p.OpenStack
		return o.APIServerInternalIPs, o.IngressIPs, o.LoadBalancer != nil && managed(o.LoadBalancer.Type)
	}
	return nil, nil, false
}

func platformNetworks(p configv1.PlatformSpec) []string {
	var list []configv1.CIDR
	switch {
	case p.BareMetal != nil:
		list = p.BareMetal.MachineNetworks
	case p.VSphere != nil:
		list = p.VSphere.MachineNetworks
	case p.OpenStack != nil:
		list = p.OpenStack.MachineNetworks
	}
	var out []string
	for _, n := range list {
		out = append(out, string(n))
	}
	return out
}

// machineNetworks takes those of the install-config where nothing newer says which they are.
func (r *reader) machineNetworks() error {
	if len(r.to.MachineNetworks) > 0 {
		return nil
	}
	list := []string{}
	for _, n := range r.installed.Networking.MachineNetwork {
		list = append(list, n.CIDR)
	}
	if len(list) == 0 && r.installed.Networking.MachineCIDR != "" {
		list = append(list, r.installed.Networking.MachineCIDR)
	}
	var err error
	if r.to.MachineNetworks, err = prefixes(list); err != nil {
		return fmt.Errorf("machine networks in ConfigMap kube-system/cluster-config-v1: %w", err)
	}
	if len(list) == 0 {
		return errors.New("machine networks: neither infrastructures/cluster nor ConfigMap kube-system/cluster-config-v1 " +
			"has them")
	}
	return nil
}

func (r *reader) domain(ctx context.Context) error {
	var dns configv1.DNS
	ref := config("dnses").Ref("", "cluster")
	if err := r.get(ctx, ref, &dns); err != nil {
		return err
	}
	name, base, ok := strings.Cut(dns.Spec.BaseDomain, ".")
	if !ok || name == "" || base == "" {
		return fmt.Errorf("%s: spec.baseDomain is %q, which has no name of a cluster", ref, dns.Spec.BaseDomain)
	}
	r.to.Name, r.to.BaseDomain = name, base
	return nil
}

func (r *reader) networks(ctx context.Context) error {
	var network configv1.Network
	ref := config("networks").Ref("", "cluster")
	if err := r.get(ctx, ref, &network); err != nil {
		return err
	}
	services, pods := network.Status.ServiceNetwork, network.Status.ClusterNetwork
	if len(services)+len(pods) == 0 {
		services, pods = network.Spec.ServiceNetwork, network.Spec.ClusterNetwork
	}
	list := slices.Clone(services)
	for _, p := range pods {
		list = append(list, p.CIDR)
	}
	var err error
	if r.to.OtherNetworks, err = prefixes(list); err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	return nil
}

// Labels of nodes.
const (
	masterLabel  = "node-role.kubernetes.io/master"
	controlLabel = "node-role.kubernetes.io/control-plane"
	arbiterLabel = "node-role.kubernetes.io/arbiter"
)

// RoleOf is what a node is for.
func RoleOf(n corev1.Node) string {
	for _, l := range []struct{ label, role string }{
		{masterLabel, types.MasterPool}, {controlLabel, types.MasterPool}, {arbiterLabel, types.ArbiterPool},
	} {
		if _, has := n.Labels[l.label]; has {
			return l.role
		}
	}
	return types.WorkerPool
}

func (r *reader) nodes(ctx context.Context) error {
	var list corev1.NodeList
	if err := r.api.List(ctx, kube.Nodes, "", &list); err != nil {
		return fmt.Errorf("nodes: %s", kube.Cause(err))
	}
	for _, n := range list.Items {
		peer := agent.Peer{ID: string(n.UID), Hostname: n.Name, Role: RoleOf(n)}
		for _, a := range n.Status.Addresses {
			if ip, err := netip.ParseAddr(a.Address); err == nil {
				peer.Addresses = append(peer.Addresses, ip.Unmap())
			}
		}
		r.to.Nodes = append(r.to.Nodes, peer)
		if peer.Role == types.MasterPool && r.to.Architecture == "" {
			r.to.Architecture = n.Status.NodeInfo.Architecture
		}
	}
	if r.to.Architecture == "" {
		return errors.New("nodes: there is no node of the control plane that says its processor architecture")
	}
	return nil
}

func (r *reader) pullSecret(ctx context.Context) error {
	var s corev1.Secret
	ref := kube.Secrets.Ref(configNamespace, "pull-secret")
	if err := r.get(ctx, ref, &s); err != nil {
		return err
	}
	text := string(s.Data[corev1.DockerConfigJsonKey])
	if _, err := pullsecret.Parse(text); err != nil {
		return fmt.Errorf("%s: key %s: %w", ref, corev1.DockerConfigJsonKey, err)
	}
	r.to.PullSecret = secret.New(text)
	return nil
}

// proxy reads what the cluster uses, which has its own networks among those without a proxy, and
// the authorities that it trusts.
func (r *reader) proxy(ctx context.Context) error {
	var p configv1.Proxy
	if found, err := r.find(ctx, config("proxies").Ref("", "cluster"), &p); err != nil || !found {
		return err
	}
	if p.Status.HTTPProxy+p.Status.HTTPSProxy != "" {
		r.to.Proxy = &types.Proxy{
			HTTPProxy: p.Status.HTTPProxy, HTTPSProxy: p.Status.HTTPSProxy, NoProxy: p.Status.NoProxy,
		}
	}
	names := []string{"user-ca-bundle"} // nodes trust it also without a proxy
	if name := p.Spec.TrustedCA.Name; name != "" && name != names[0] {
		names = append(names, name)
	}
	for _, name := range names {
		if err := r.authorities(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// imageAuthorities are those of registries.
func (r *reader) imageAuthorities(ctx context.Context) error {
	var image configv1.Image
	found, err := r.find(ctx, config("images").Ref("", "cluster"), &image)
	if err != nil || !found || image.Spec.AdditionalTrustedCA.Name == "" {
		return err
	}
	return r.authorities(ctx, image.Spec.AdditionalTrustedCA.Name)
}

// authorities adds those of a ConfigMap, whatever their keys are.
func (r *reader) authorities(ctx context.Context, name string) error {
	var cm corev1.ConfigMap
	if _, err := r.find(ctx, kube.ConfigMaps.Ref(configNamespace, name), &cm); err != nil {
		return err
	}
	var keys []string
	for key := range cm.Data {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if text := strings.TrimSpace(cm.Data[key]); strings.HasPrefix(text, "-----BEGIN") &&
			!strings.Contains(r.to.Bundle, text) {
			r.to.Bundle += text + "\n"
		}
	}
	return nil
}

func (r *reader) bootImages(ctx context.Context) error {
	var cm corev1.ConfigMap
	ref := kube.ConfigMaps.Ref(machineConfigs, "coreos-bootimages")
	found, err := r.find(ctx, ref, &cm)
	if err != nil || !found || cm.Data["stream"] == "" {
		return err
	}
	var s stream.Stream
	if err := json.Unmarshal([]byte(cm.Data["stream"]), &s); err != nil {
		return fmt.Errorf("%s: key stream: %w", ref, err)
	}
	r.to.Stream = &s
	return nil
}

func addresses(list []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, text := range list {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		out = append(out, ip.Unmap())
	}
	return out, nil
}

func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
