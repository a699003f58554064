// Package clusterconfig reads the cluster's own configuration objects.
package clusterconfig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Cluster is what the in-cluster install-config says.
type Cluster struct {
	Name                 string
	BaseDomain           string
	MachineNetworks      []netip.Prefix
	ControlPlaneReplicas int // 0 when not set
	ArbiterReplicas      int
	InPlace              bool // a single node that bootstraps itself
	VIPs                 []netip.Addr
}

// ReadCluster reads the ConfigMap kube-system/cluster-config-v1 from a file.
func ReadCluster(path string) (*Cluster, error) {
	var cm struct {
		Data map[string]string `json:"data"`
	}
	if err := api.ReadYAML(path, &cm); err != nil {
		return nil, fmt.Errorf("read cluster config: %w", err)
	}
	c, err := ParseCluster(cm.Data["install-config"])
	if err != nil {
		return nil, fmt.Errorf("read cluster config %s: %w", path, err)
	}
	return c, nil
}

// EtcdMembers is the number of nodes that etcd is to have a member on, from the data of
// that ConfigMap: control plane and arbiters.
func EtcdMembers(data map[string]string) (int, error) {
	c, err := ParseCluster(data["install-config"])
	if err == nil && c.ControlPlaneReplicas < 1 {
		err = errors.New("controlPlane.replicas is not set")
	}
	if err != nil {
		return 0, err
	}
	return c.ControlPlaneReplicas + c.ArbiterReplicas, nil
}

// ParseCluster reads the key install-config of that ConfigMap.
func ParseCluster(text string) (*Cluster, error) {
	if text == "" {
		return nil, errors.New("it has no key install-config")
	}
	var ic struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		BaseDomain   string `json:"baseDomain"`
		ControlPlane struct {
			Replicas int `json:"replicas"`
		} `json:"controlPlane"`
		Arbiter struct {
			Replicas int `json:"replicas"`
		} `json:"arbiter"`
		BootstrapInPlace *struct{} `json:"bootstrapInPlace"`
		Networking       struct {
			MachineNetwork []struct {
				CIDR string `json:"cidr"`
			} `json:"machineNetwork"`
		} `json:"networking"`
		Platform map[string]struct {
			APIVIP      string   `json:"apiVIP"`
			IngressVIP  string   `json:"ingressVIP"`
			APIVIPs     []string `json:"apiVIPs"`
			IngressVIPs []string `json:"ingressVIPs"`
		} `json:"platform"`
	}
	if err := yaml.Unmarshal([]byte(text), &ic); err != nil {
		return nil, fmt.Errorf("parse install-config: %w", err)
	}
	c := &Cluster{
		Name: ic.Metadata.Name, BaseDomain: ic.BaseDomain, ControlPlaneReplicas: ic.ControlPlane.Replicas,
		ArbiterReplicas: ic.Arbiter.Replicas, InPlace: ic.BootstrapInPlace != nil && ic.ControlPlane.Replicas == 1,
	}
	for _, n := range ic.Networking.MachineNetwork {
		p, err := netip.ParsePrefix(n.CIDR)
		if err != nil {
			return nil, fmt.Errorf("parse networking.machineNetwork: %w", err)
		}
		c.MachineNetworks = append(c.MachineNetworks, p.Masked())
	}
	for _, p := range ic.Platform {
		for _, s := range slices.Concat([]string{p.APIVIP, p.IngressVIP}, p.APIVIPs, p.IngressVIPs) {
			if s == "" {
				continue
			}
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, fmt.Errorf("parse VIP: %w", err)
			}
			if !slices.Contains(c.VIPs, a) {
				c.VIPs = append(c.VIPs, a)
			}
		}
	}
	return c, nil
}

// The etcd operator refuses these documentation ranges, and so does this one.
var refusedRanges = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"),
}

// BootstrapAddress is this host's first address in a machine network, VIPs apart.
func (c *Cluster) BootstrapAddress(local []netip.Addr) (netip.Addr, error) {
	for _, n := range c.MachineNetworks {
		for _, a := range local {
			a = a.Unmap()
			if !n.Contains(a) || slices.Contains(c.VIPs, a) {
				continue
			}
			for _, r := range refusedRanges {
				if r.Contains(a) {
					return netip.Addr{}, fmt.Errorf("choose bootstrap address: %s is in documentation range %s", a, r)
				}
			}
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("choose bootstrap address: none of %v is inside networking.machineNetwork %v",
		local, c.MachineNetworks)
}

// LocalAddresses are the global unicast addresses of this host.
func LocalAddresses() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list host addresses: %w", err)
	}
	var out []netip.Addr
	for _, a := range list {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap().IsGlobalUnicast() {
			out = append(out, ip.Unmap())
		}
	}
	return out, nil
}

// Network is what Network.config.openshift.io `cluster` says.
type Network struct {
	ClusterNetworks []ClusterNetwork
	ServiceNetworks []netip.Prefix
}

// ClusterNetwork is one range of pod addresses.
type ClusterNetwork struct {
	CIDR       netip.Prefix
	HostPrefix int
}

// ReadNetwork reads the object from a file.
func ReadNetwork(path string) (*Network, error) {
	var object configv1.Network
	if err := api.ReadYAML(path, &object); err != nil {
		return nil, fmt.Errorf("read network config: %w", err)
	}
	n, err := NewNetwork(object.Spec)
	if err != nil {
		return nil, fmt.Errorf("read network config %s: %w", path, err)
	}
	return n, nil
}

// NewNetwork parses the object's networks.
func NewNetwork(spec configv1.NetworkSpec) (*Network, error) {
	out := &Network{}
	for i, c := range spec.ClusterNetwork {
		p, err := netip.ParsePrefix(c.CIDR)
		if err != nil {
			return nil, fmt.Errorf("parse spec.clusterNetwork[%d].cidr: %w", i, err)
		}
		host := int(c.HostPrefix)
		if host < p.Bits() || host > p.Addr().BitLen() {
			return nil, fmt.Errorf("parse spec.clusterNetwork[%d]: hostPrefix %d does not fit %s", i, host, p)
		}
		out.ClusterNetworks = append(out.ClusterNetworks, ClusterNetwork{CIDR: p, HostPrefix: host})
	}
	for i, s := range spec.ServiceNetwork {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("parse spec.serviceNetwork[%d]: %w", i, err)
		}
		out.ServiceNetworks = append(out.ServiceNetworks, p)
	}
	if len(out.ClusterNetworks) == 0 || len(out.ServiceNetworks) == 0 {
		return nil, errors.New("spec.clusterNetwork and spec.serviceNetwork must not be empty")
	}
	return out, nil
}

// DNSAddress is the DNS operator's: the service network's tenth address.
func DNSAddress(spec configv1.NetworkSpec) (string, error) {
	if len(spec.ServiceNetwork) == 0 {
		return "", errors.New("spec.serviceNetwork of Network is empty")
	}
	p, err := netip.ParsePrefix(spec.ServiceNetwork[0])
	if err != nil {
		return "", fmt.Errorf("parse spec.serviceNetwork of Network: %w", err)
	}
	a := p.Masked().Addr()
	for range 10 {
		a = a.Next()
	}
	if !p.Contains(a) {
		return "", fmt.Errorf("service network %s has no tenth address", p)
	}
	return a.String(), nil
}
