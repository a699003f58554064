// Package render makes the machine configs of each role: kubelet, container
// runtime, and what on-premises nodes run for the cluster's addresses.
package render

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
)

//go:embed templates
var embedded embed.FS

// OnPremTemplates are the templates that runtimecfg fills in on the nodes.
func OnPremTemplates() fs.FS {
	tree, err := fs.Sub(embedded, "templates/onprem")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return tree
}

// Keys of ControllerConfig.spec.images.
const (
	ImageInfra      = "infraImageKey"
	ImageKeepalived = "keepalivedImage"
	ImageCoreDNS    = "corednsImage"
	ImageHAProxy    = "haproxyImage"
	ImageRuntimeCfg = "baremetalRuntimeCfgImage"
	ImageMCO        = "machineConfigOperator"
)

// ImageTags maps the keys to the tags of the release payload.
func ImageTags() map[string]string {
	return map[string]string{
		ImageInfra:      "pod",
		ImageKeepalived: "keepalived-ipfailover",
		ImageCoreDNS:    "coredns",
		ImageHAProxy:    "haproxy-router",
		ImageRuntimeCfg: "baremetal-runtimecfg",
		ImageMCO:        "machine-config-operator",
	}
}

// Data is what the templates see.
type Data struct {
	Role           string
	Master         bool
	Bootstrap      bool
	NodeLabels     string
	NodeTaints     string
	ClusterDNS     string
	ClusterName    string
	ClusterDomain  string // <name>.<base domain>
	APIVIP         string
	IngressVIP     string
	NodeIPHint     string // the node's address is on the network of this one
	InfraNamespace string
	InfraPrefix    string
	Images         map[string]string
	Proxy          *configv1.ProxyStatus

	onPrem   bool // nodes serve DNS
	balancer bool // and hold the VIPs
}

const arbiter = "arbiter"

// Roles are those that nodes of the cluster can have.
func Roles(cc *mcfgv1.ControllerConfig) []string {
	roles := []string{"master", "worker"}
	if i := cc.Spec.Infra; i != nil && i.Status.ControlPlaneTopology == configv1.HighlyAvailableArbiterMode {
		roles = append(roles, arbiter)
	}
	return roles
}

// NewData reads a controller config for a role.
func NewData(cc *mcfgv1.ControllerConfig, role string) (Data, error) {
	if cc.Spec.Infra == nil || cc.Spec.DNS == nil {
		return Data{}, errors.New("read controller config: infra and dns must be set")
	}
	d := Data{
		Role:          role,
		Master:        role == "master",
		NodeLabels:    "node-role.kubernetes.io/" + role,
		ClusterDNS:    cc.Spec.ClusterDNSIP,
		ClusterDomain: cc.Spec.DNS.Spec.BaseDomain,
		Images:        cc.Spec.Images,
	}
	switch {
	case d.Master:
		d.NodeLabels = "node-role.kubernetes.io/control-plane,node-role.kubernetes.io/master"
		d.NodeTaints = "node-role.kubernetes.io/master=:NoSchedule"
	case role == arbiter:
		d.NodeTaints = "node-role.kubernetes.io/master=:NoSchedule,node-role.kubernetes.io/arbiter=:NoSchedule"
	}
	if p := cc.Spec.Proxy; p != nil && (p.HTTPProxy != "" || p.HTTPSProxy != "") {
		d.Proxy = p
	}
	d.ClusterName, _, _ = strings.Cut(d.ClusterDomain, ".")
	return d, d.platform(cc.Spec.Infra.Status.PlatformStatus)
}

// platform fills in the VIPs of a platform that has its nodes serve them.
func (d *Data) platform(p *configv1.PlatformStatus) error {
	if p == nil {
		return nil
	}
	var api, ingress []string
	userManaged := false
	switch {
	case p.Type == configv1.BareMetalPlatformType && p.BareMetal != nil:
		d.InfraNamespace, d.InfraPrefix = "openshift-kni-infra", "kni"
		api, ingress = p.BareMetal.APIServerInternalIPs, p.BareMetal.IngressIPs
		lb := p.BareMetal.LoadBalancer
		userManaged = lb != nil && lb.Type == configv1.LoadBalancerTypeUserManaged
	case p.Type == configv1.OvirtPlatformType && p.Ovirt != nil:
		d.InfraNamespace, d.InfraPrefix = "openshift-ovirt-infra", "ovirt"
		api, ingress = p.Ovirt.APIServerInternalIPs, p.Ovirt.IngressIPs
		lb := p.Ovirt.LoadBalancer
		userManaged = lb != nil && lb.Type == configv1.LoadBalancerTypeUserManaged
	default:
		return nil
	}
	if len(api) == 0 || len(ingress) == 0 {
		return fmt.Errorf("read controller config: platform %s has no API or ingress VIP", p.Type)
	}
	for _, vip := range []string{api[0], ingress[0]} {
		if a, err := netip.ParseAddr(vip); err != nil || !a.Is4() {
			return fmt.Errorf("read controller config: VIP %q is not an IPv4 address", vip)
		}
	}
	d.APIVIP, d.IngressVIP, d.NodeIPHint = api[0], ingress[0], api[0]
	d.onPrem, d.balancer = true, !userManaged
	return nil
}
