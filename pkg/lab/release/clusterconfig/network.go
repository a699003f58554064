package clusterconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	configv1 "github.com/openshift/api/config/v1"
	"sigs.k8s.io/yaml"
)

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
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read network config: %w", err)
	}
	var object configv1.Network
	if err := yaml.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("read network config %s: %w", path, err)
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
