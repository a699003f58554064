// Package platforms lists the platforms that this installer knows. Everything
// about one of them is in its directory here; code elsewhere asks these values.
package platforms

import (
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/machines"
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
	// Machines is how clusters get machines there.
	Machines machines.Platform
}

// Platforms is a list of platforms. Its methods are the views of the layers.
type Platforms []Platform

// All returns the platforms, in the order in which they are offered.
func All() Platforms {
	return Platforms{
		{Assets: ovirt.Assets(), Wizard: ovirt.Wizard(), Machines: ovirt.Machines()},
		{Assets: baremetal.Assets(), Wizard: baremetal.Wizard(), Machines: baremetal.Machines()},
		{Assets: none.Assets(), Wizard: none.Wizard(), Machines: none.Machines()},
		{Assets: external.Assets(), Wizard: external.Wizard(), Machines: external.Machines()},
	}
}

// Assets returns what pkg/assets asks about each platform.
func (all Platforms) Assets() []assets.Platform {
	var out []assets.Platform
	for _, p := range all {
		out = append(out, p.Assets)
	}
	return out
}

// Wizard returns what pkg/wizard asks about each platform.
func (all Platforms) Wizard() []wizard.Platform {
	var out []wizard.Platform
	for _, p := range all {
		out = append(out, p.Wizard)
	}
	return out
}

// Kinds returns what pkg/types asks about each platform.
func (all Platforms) Kinds() []types.PlatformKind {
	var out []types.PlatformKind
	for _, p := range all {
		out = append(out, p.Assets.Kind)
	}
	return out
}

// Machines returns what commands ask about each platform.
func (all Platforms) Machines() machines.Platforms {
	var out machines.Platforms
	for _, p := range all {
		out = append(out, p.Machines)
	}
	return out
}

// Load reads an install-config for any of the platforms, strictly. The path is
// only for messages. The config is nil if the report has failed.
func (all Platforms) Load(path string, data []byte) (*types.InstallConfig, *report.Report) {
	return types.Options{Platforms: all.Kinds()}.Load(path, data)
}
