package types

import "github.com/okd-install/okd-install/pkg/report"

// vipNames are the keys of a platform's virtual addresses.
type vipNames struct{ api, ingress, legacyAPI, legacyIngress string }

var (
	ovirtVIPNames     = vipNames{"api_vips", "ingress_vips", "api_vip", "ingress_vip"}
	bareMetalVIPNames = vipNames{"apiVIPs", "ingressVIPs", "apiVIP", "ingressVIP"}
)

// vipForms are the keys of virtual addresses that the file has in the old form,
// with the old key for each. It is no part of the config.
type vipForms map[string]string

// APIVIPField is the path of the API's virtual addresses as the file has it,
// empty where a platform has none.
func (c *InstallConfig) APIVIPField() string { return c.vipField(vipNames.apiKey) }

// IngressVIPField is the path of the routers' virtual addresses as the file has
// it, empty where a platform has none.
func (c *InstallConfig) IngressVIPField() string { return c.vipField(vipNames.ingressKey) }

func (n vipNames) apiKey() string     { return n.api }
func (n vipNames) ingressKey() string { return n.ingress }

func (c *InstallConfig) vipField(key func(vipNames) string) string {
	var names vipNames
	switch {
	case c.Platform.Ovirt != nil:
		names = ovirtVIPNames
	case c.Platform.BareMetal != nil:
		names = bareMetalVIPNames
	default:
		return ""
	}
	name := key(names)
	return report.NewPath("platform", c.Platform.Name()).Child(or(c.vipForms[name], name)).String()
}
