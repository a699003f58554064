package create

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/types"
)

func TestRefusal(t *testing.T) {
	none := types.Platform{None: &types.NonePlatform{}}
	tests := []struct {
		name string
		cfg  types.InstallConfig
		want string // empty: not refused
		next string
	}{
		{"ovirt", types.InstallConfig{Platform: types.Platform{Ovirt: &types.OvirtPlatform{}}}, "", ""},
		{"none", types.InstallConfig{Platform: none}, "platform none",
			"openshift-install create ignition-configs --dir d"},
		{"external", types.InstallConfig{Platform: types.Platform{External: &types.ExternalPlatform{}}},
			"platform external", "create ignition-configs"},
		{"baremetal", types.InstallConfig{Platform: types.Platform{BareMetal: &types.BareMetalPlatform{}}},
			"later version of this installer; nothing was created", "create ignition-configs"},
		{"in place", types.InstallConfig{Platform: none, BootstrapInPlace: &types.BootstrapInPlace{}},
			"bootstrapInPlace", "create single-node-ignition-config"},
	}
	known := append(machines.Platforms{ovirt.Platform()}, upi.Platforms()...)
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
