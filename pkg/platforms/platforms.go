// Package platforms lists the platforms that this installer supports. Everything
// about one of them is in its directory here; code elsewhere asks these values.
package platforms

import (
	"errors"
	"fmt"
	"slices"

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
	Assets   assets.Platform // its part of install-config.yaml, and of what is generated
	Wizard   wizard.Platform
	Machines machines.Platform
}

// List is the platforms that a run knows, in the order in which they are offered.
type List []Platform

// All returns the platforms of this installer.
func All() List {
	return List{
		{ovirt.Assets(), ovirt.Wizard(), ovirt.Machines()},
		{baremetal.Assets(), baremetal.Wizard(), baremetal.Machines()},
		{none.Assets(), none.Wizard(), none.Machines()},
		{external.Assets(), external.Wizard(), external.Machines()},
	}
}

// Kinds returns what pkg/types asks about each platform.
func (l List) Kinds() []types.PlatformKind {
	return each(l, func(p Platform) types.PlatformKind { return p.Assets.Kind })
}

// Assets returns what pkg/assets asks about each platform.
func (l List) Assets() []assets.Platform {
	return each(l, func(p Platform) assets.Platform { return p.Assets })
}

// Wizard returns what pkg/wizard asks about each platform.
func (l List) Wizard() []wizard.Platform {
	return each(l, func(p Platform) wizard.Platform { return p.Wizard })
}

func each[T any](l List, view func(Platform) T) []T {
	out := make([]T, len(l))
	for i, p := range l {
		out[i] = view(p)
	}
	return out
}

// Load reads an install-config for any of the platforms, strictly. The path is
// only for messages. The config is nil if the report has failed.
func (l List) Load(path string, data []byte) (*types.InstallConfig, *report.Report) {
	return types.Options{Platforms: l.Kinds()}.Load(path, data)
}

// Find returns how a cluster has machines on the platform of that name.
func (l List) Find(name string) (machines.Platform, error) {
	for _, p := range l {
		if p.Assets.Kind.Name == name {
			return p.Machines, nil
		}
	}
	if name == "" {
		return machines.Platform{}, errors.New("the platform is not known")
	}
	known := types.Names(l.Kinds(), func(types.PlatformKind) bool { return true })
	return machines.Platform{}, fmt.Errorf("unknown platform %q; this installer supports %s", name, types.JoinAnd(known))
}

// Assumed returns the platform of a cluster for which nothing names one: with its
// metadata.json, one that keeps nothing there; without, one that makes machines.
func (l List) Assumed(metadata bool) string {
	i := slices.IndexFunc(l, func(p Platform) bool {
		return metadata && p.Assets.Metadata == nil || !metadata && !p.Machines.ByHand
	})
	if i < 0 {
		return ""
	}
	return l[i].Assets.Kind.Name
}
