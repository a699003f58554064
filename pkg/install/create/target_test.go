package create

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/platforms"
	metalconfig "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/platforms/external"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
)

func TestRefusal(t *testing.T) {
	own := types.Platform{Settings: &none.Platform{}}
	masters := int64(3)
	tests := []struct {
		name string
		cfg  types.InstallConfig
		want string // empty: not refused
		next string
	}{
		{"ovirt", types.InstallConfig{Platform: types.Platform{Settings: &ovirtconfig.Platform{}}}, "", ""},
		{"none", types.InstallConfig{Platform: own}, "platform none",
			"openshift-install create ignition-configs --dir d"},
		{"external", types.InstallConfig{Platform: types.Platform{Settings: &external.Platform{}}},
			"platform external", "create ignition-configs"},
		{"too few hosts", types.InstallConfig{
			ControlPlane: &types.MachinePool{Replicas: &masters},
			Platform:     types.Platform{Settings: &metalconfig.Platform{Hosts: []metalconfig.Host{{Name: "a"}, {Name: "b"}}}},
		}, "3 are needed, and install-config.yaml names 2", "agent create image"},
		{"in place", types.InstallConfig{Platform: own, BootstrapInPlace: &types.BootstrapInPlace{}},
			"bootstrapInPlace", "create single-node-ignition-config"},
	}
	known := platforms.All()
	c := command{Env: &install.Env{Dir: "d", Program: "openshift-install", Platforms: known}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := known.Find(tt.cfg.Platform.Name())
			if err != nil {
				t.Fatal(err)
			}
			err = c.refuse(&tt.cfg, p)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || exit.Code(err) != exit.Other || !strings.Contains(err.Error(), tt.want) ||
				!strings.Contains(exit.Next(err), tt.next) {
				t.Errorf("%v; next %q", err, exit.Next(err))
			}
		})
	}
}

func TestBootstrapHostStaysOnRequest(t *testing.T) {
	for value, stays := range map[string]bool{"": false, "true": true, "0": true} {
		c := command{Env: &install.Env{Getenv: func(key string) string {
			if key == "OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP" {
				return value
			}
			return ""
		}}}
		if got := c.preserved(); (got != "") != stays || stays && !strings.Contains(got, "destroy bootstrap") {
			t.Errorf("%q: %q", value, got)
		}
	}
}
