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

// Replicas is the size of the control plane, from the data of that ConfigMap.
func Replicas(data map[string]string) (int, error) {
	c, err := ParseCluster(data["install-config"])
	if err == nil && c.ControlPlaneReplicas < 1 {
		err = errors.New("controlPlane.replicas is not set")
	}
	if err != nil {
		return 0, err
	}
	return c.ControlPlaneReplicas, nil
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
		Networking struct {
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
