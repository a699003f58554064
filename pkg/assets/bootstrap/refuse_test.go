package bootstrap_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/types"
)

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*types.InstallConfig)
		lacks   bool
		problem string
	}{
		{"no feature set", func(*types.InstallConfig) {}, false, ""},
		{"tech preview", func(c *types.InstallConfig) { c.FeatureSet = "TechPreviewNoUpgrade" }, false,
			"featureSet: Forbidden: turns on the feature gate CRDCompatibilityRequirementOperator, with which release 5.0.0 " +
				"needs apiserver-network-proxy"},
		{"tech preview of a release that does without",
			func(c *types.InstallConfig) { c.FeatureSet = "TechPreviewNoUpgrade" }, true, ""},
		{"the gate by name", func(c *types.InstallConfig) {
			c.FeatureSet, c.FeatureGates = "CustomNoUpgrade", []string{"Other=true", "ClusterAPIMachineManagement=true"}
		}, false, "featureGates: Forbidden: turns on the feature gate ClusterAPIMachineManagement"},
		{"other gates", func(c *types.InstallConfig) {
			c.FeatureSet, c.FeatureGates = "CustomNoUpgrade", []string{"ClusterAPIMachineManagement=false"}
		}, false, ""},
		{"a single node in place", func(c *types.InstallConfig) {
			c.FeatureSet, c.BootstrapInPlace = "DevPreviewNoUpgrade", &types.BootstrapInPlace{}
		}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t)
			c.change(cfg)
			err := bootstrap.Refuse(cfg, "5.0.0", func(string) bool { return !c.lacks })
			if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
