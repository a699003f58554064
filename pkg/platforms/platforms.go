// Package platforms lists the platforms that this installer knows. Everything
// about one of them is in its directory here; code elsewhere asks these values.
package platforms

import (
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal"
	"github.com/okd-install/okd-install/pkg/platforms/external"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Platform is what the layers of the installer ask about a platform.
type Platform struct {
	// Assets is its part of install-config.yaml and of what is generated.
	Assets assets.Platform
	// Wizard is what is asked about it.
	Wizard wizard.Platform
}

// All returns the platforms, in the order in which they are offered.
func All() []Platform {
	return []Platform{
		{Assets: ovirt.Assets(), Wizard: ovirt.Wizard()},
		{Assets: baremetal.Assets(), Wizard: baremetal.Wizard()},
		{Assets: none.Assets(), Wizard: none.Wizard()},
		{Assets: external.Assets(), Wizard: external.Wizard()},
	}
}

// Assets returns what pkg/assets asks about each platform.
func Assets() []assets.Platform {
	var out []assets.Platform
	for _, p := range All() {
		out = append(out, p.Assets)
	}
	return out
}

// Wizard returns what pkg/wizard asks about each platform.
func Wizard() []wizard.Platform {
	var out []wizard.Platform
	for _, p := range All() {
		out = append(out, p.Wizard)
	}
	return out
}

// Kinds returns what pkg/types asks about each platform.
func Kinds() []types.PlatformKind {
	var out []types.PlatformKind
	for _, p := range All() {
		out = append(out, p.Assets.Kind)
	}
	return out
}

// Load reads an install-config for any of the platforms, strictly. The path is
// only for messages. The config is nil if the report has failed.
func Load(path string, data []byte) (*types.InstallConfig, *report.Report) {
	return types.Options{Platforms: Kinds()}.Load(path, data)
}
