package assets

import (
	"errors"
	"strings"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// ErrInPlace is returned if machines would be created for a node that installs itself.
var ErrInPlace = errors.New("bootstrapInPlace is set: " +
	"such a node installs itself from what `create single-node-ignition-config` writes; " +
	"remove bootstrapInPlace to install with a bootstrap host")

// handsOver is for clusters with a bootstrap host, and installsItself for single nodes
// without one. The latter fails unless the install-config is for a single node.
var (
	handsOver = asset.From0("hands-over", func(asset.Env) (bool, error) { return false, nil }, asset.Transient())

	installsItself = asset.From1("installs-itself", read, func(_ asset.Env, r reading) (bool, error) {
		return true, requireSingleNode(r)
	}, asset.Transient())
)

// requireSingleNode returns everything that prevents a node from installing itself.
func requireSingleNode(r reading) error {
	found := report.New(configFile)
	add := func(kind report.Type, path report.Path, value, detail string) {
		found.Add(report.Finding{Path: path, Type: kind, Value: value, Detail: detail, At: r.findings.Where(path)})
	}
	c := r.InstallConfig
	if c.Masters() != 1 {
		add(report.Invalid, report.NewPath("controlPlane", "replicas"), "",
			"a node that installs itself is the only one; set it to 1")
	}
	if c.Workers() != 0 {
		add(report.Invalid, report.NewPath("compute").Index(0).Child("replicas"), "",
			"a node that installs itself is the only one; set it to 0")
	}
	if c.BootstrapInPlace == nil || c.BootstrapInPlace.InstallationDisk == "" {
		add(report.Required, report.NewPath("bootstrapInPlace", "installationDisk"), "",
			"name the disk to install to, best by a path that stays the same, as in /dev/disk/by-id/...")
	}
	if kind := c.Platform.Kind(); !kind.InPlace {
		able := types.Names(r.kinds, func(kind types.PlatformKind) bool { return kind.InPlace })
		add(report.Invalid, report.NewPath("platform"), "",
			"a node can install itself on platforms "+types.JoinAnd(able)+", not on "+kind.Name)
	}
	if !found.Failed() {
		return nil
	}
	return &NotSingleNodeError{strings.Join(found.Lines(false), "\n")}
}

// NotSingleNodeError says what prevents a cluster from installing itself in place, a line
// for each field. It is not a *report.Error, because the install-config is valid.
type NotSingleNodeError struct{ lines string }

func (e *NotSingleNodeError) Error() string { return e.lines }
