package bootstrap

import (
	"fmt"
	"slices"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/types"
)

// konnectivityStage names, as arguments of its command, a component and the
// feature gates that would have it run on the bootstrap host.
const konnectivityStage = "refuse-konnectivity"

// Refuse says why a release cannot be installed with the feature gates of an
// install-config: nil if it can. The bootstrap host looks again, for only there
// it is certain which gates are on. has reports whether the release has a component.
func Refuse(cfg *types.InstallConfig, version string, has func(tag string) bool) error {
	table, err := Stages()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(table.Stages, func(s Stage) bool { return s.Name == konnectivityStage })
	if i < 0 || len(table.Stages[i].Host) < 3 {
		return fmt.Errorf("stage %s is missing or names no gates", konnectivityStage)
	}
	component, gates := table.Stages[i].Host[1].Text, table.Stages[i].Host[2:]
	if cfg.BootstrapInPlace != nil || !has(component) {
		return nil
	}
	field, gate := "featureSet", gates[0].Text
	switch configv1.FeatureSet(cfg.FeatureSet) {
	case configv1.TechPreviewNoUpgrade, configv1.DevPreviewNoUpgrade:
	case configv1.CustomNoUpgrade:
		field = "featureGates"
		i := slices.IndexFunc(gates, func(g Arg) bool { return slices.Contains(cfg.FeatureGates, g.Text+"=true") })
		if i < 0 {
			return nil
		}
		gate = gates[i].Text
	default:
		return nil
	}
	return fmt.Errorf("install-config.yaml: %s: Forbidden: turns on the feature gate %s, with which release %s needs %s "+
		"on the bootstrap host, which is not supported; leave it out, or use featureSet: %s with the gates that you need",
		field, gate, version, component, configv1.CustomNoUpgrade)
}
