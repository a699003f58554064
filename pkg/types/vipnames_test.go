package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
)

// Findings name a field as the user has written it.
func TestVIPFields(t *testing.T) {
	for _, tt := range []struct {
		name         string
		base         string
		edits        string
		api, ingress string
	}{
		{"ovirt", ovirt, "", "platform.ovirt.api_vips", "platform.ovirt.ingress_vips"},
		{"ovirt, old form", ovirt, `
			drop platform.ovirt.api_vips
			drop platform.ovirt.ingress_vips
			platform.ovirt.api_vip = 10.0.0.10
			platform.ovirt.ingress_vip = 10.0.0.11`,
			"platform.ovirt.api_vip", "platform.ovirt.ingress_vip"},
		{"ovirt, one in the old form", ovirt, `
			drop platform.ovirt.ingress_vips
			platform.ovirt.ingress_vip = 10.0.0.11`,
			"platform.ovirt.api_vips", "platform.ovirt.ingress_vip"},
		{"baremetal", baremetal, "", "platform.baremetal.apiVIPs", "platform.baremetal.ingressVIPs"},
		{"baremetal, old form", baremetal, `
			drop platform.baremetal.apiVIPs
			drop platform.baremetal.ingressVIPs
			platform.baremetal.apiVIP = 10.0.0.10
			platform.baremetal.ingressVIP = 10.0.0.11`,
			"platform.baremetal.apiVIP", "platform.baremetal.ingressVIP"},
		{"none", none, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, found := platforms.All().Load("c.yaml", []byte(row{base: tt.base, edits: tt.edits}.text(t)))
			if c == nil {
				t.Fatal(found.Err())
			}
			if api, ingress := c.VIPFields(); api != tt.api || ingress != tt.ingress {
				t.Errorf("%s and %s, want %s and %s", api, ingress, tt.api, tt.ingress)
			}
		})
	}
}
