// Package clusterconfig reads what renderers and operators need from the
// cluster's own configuration objects.
package clusterconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"sigs.k8s.io/yaml"
)

// Cluster is what the in-cluster install-config says.
type Cluster struct {
	Name                 string
	BaseDomain           string
	MachineNetworks      []netip.Prefix
	ControlPlaneReplicas int // 0 when not set
	VIPs                 []netip.Addr
}

// Network is Network.config.openshift.io `cluster`.
type Network struct {
	ClusterNetworks []ClusterNetwork
	ServiceNetworks []netip.Prefix
}

// ClusterNetwork is one range of pod addresses.
type ClusterNetwork struct {
	CIDR       netip.Prefix
	HostPrefix int
}

// ReadCluster reads the ConfigMap kube-system/cluster-config-v1 from a file.
func ReadCluster(path string) (*Cluster, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read cluster config: %w", err)
	}
	var cm struct {
		Data map[string]string `json:"data"`
	}
	if err := yaml.Unmarshal(data, &cm); err != nil {
		return nil, fmt.Errorf("read cluster config %s: %w", path, err)
	}
	c, err := ParseCluster(cm.Data["install-config"])
	if err != nil {
		return nil, fmt.Errorf("read cluster config %s: %w", path, err)
	}
	return c, nil
}

// ParseCluster reads the key install-config of that ConfigMap.
func ParseCluster(text string) (*Cluster, error) {
	if text == "" {
		return nil, errors.New("it has no key install-config")
	}
	type vips struct {
		APIVIP      string   `json:"apiVIP"`
		IngressVIP  string   `json:"ingressVIP"`
		APIVIPs     []string `json:"apiVIPs"`
		IngressVIPs []string `json:"ingressVIPs"`
	}
	var ic struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		BaseDomain   string `json:"baseDomain"`
		ControlPlane struct {
			Replicas *int `json:"replicas"`
		} `json:"controlPlane"`
		Networking struct {
			MachineNetwork []struct {
				CIDR string `json:"cidr"`
			} `json:"machineNetwork"`
		} `json:"networking"`
		Platform map[string]vips `json:"platform"`
	}
	if err := yaml.Unmarshal([]byte(text), &ic); err != nil {
		return nil, fmt.Errorf("parse install-config: %w", err)
	}
	c := &Cluster{Name: ic.Metadata.Name, BaseDomain: ic.BaseDomain}
	if ic.ControlPlane.Replicas != nil {
		c.ControlPlaneReplicas = *ic.ControlPlane.Replicas
	}
	for _, n := range ic.Networking.MachineNetwork {
		p, err := netip.ParsePrefix(n.CIDR)
		if err != nil {
			return nil, fmt.Errorf("parse networking.machineNetwork: %w", err)
		}
		c.MachineNetworks = append(c.MachineNetworks, p.Masked())
	}
	for _, p := range ic.Platform {
		for _, s := range append(append([]string{p.APIVIP, p.IngressVIP}, p.APIVIPs...), p.IngressVIPs...) {
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

// ReadNetwork reads Network.config.openshift.io from a file.
func ReadNetwork(path string) (*Network, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read network config: %w", err)
	}
	var u map[string]any
	if err := yaml.Unmarshal(data, &u); err != nil {
		return nil, fmt.Errorf("read network config %s: %w", path, err)
	}
	n, err := ParseNetwork(u)
	if err != nil {
		return nil, fmt.Errorf("read network config %s: %w", path, err)
	}
	return n, nil
}

// ParseNetwork reads the object as decoded JSON.
func ParseNetwork(u map[string]any) (*Network, error) {
	raw, err := yaml.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("encode network config: %w", err)
	}
	var net struct {
		Spec struct {
			ClusterNetwork []struct {
				CIDR       string `json:"cidr"`
				HostPrefix int    `json:"hostPrefix"`
			} `json:"clusterNetwork"`
			ServiceNetwork []string `json:"serviceNetwork"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(raw, &net); err != nil {
		return nil, fmt.Errorf("parse network config: %w", err)
	}
	out := &Network{}
	for i, c := range net.Spec.ClusterNetwork {
		p, err := netip.ParsePrefix(c.CIDR)
		if err != nil {
			return nil, fmt.Errorf("parse spec.clusterNetwork[%d].cidr: %w", i, err)
		}
		if c.HostPrefix < p.Bits() || c.HostPrefix > p.Addr().BitLen() {
			return nil, fmt.Errorf("parse spec.clusterNetwork[%d]: hostPrefix %d does not fit %s", i, c.HostPrefix, p)
		}
		out.ClusterNetworks = append(out.ClusterNetworks, ClusterNetwork{CIDR: p, HostPrefix: c.HostPrefix})
	}
	for i, s := range net.Spec.ServiceNetwork {
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
