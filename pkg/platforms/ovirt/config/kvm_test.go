package config_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Which clusters can run VMs is decided by the pools that run them.
func TestNoKVM(t *testing.T) {
	pool := func(replicas int64, vmType string) types.MachinePool {
		p := types.MachinePool{Name: "a", Replicas: &replicas}
		if vmType != "" {
			p.Platform.Set(config.Name, &config.MachinePool{VMType: vmType})
		}
		return p
	}
	for name, tt := range map[string]struct {
		masters, workers types.MachinePool
		want             string
	}{
		"workers of the default type": {pool(3, config.VMTypeHighPerformance), pool(2, config.VMTypeServer),
			"compute[0].platform.ovirt: vmType server"},
		"workers with the processor": {pool(3, config.VMTypeServer), pool(2, config.VMTypeHighPerformance), ""},
		"masters with the processor": {pool(3, config.VMTypeHighPerformance), pool(0, config.VMTypeServer), ""},
		"masters of another type":    {pool(3, config.VMTypeServer), pool(0, config.VMTypeServer), "controlPlane.platform"},
		"workers that are not VMs":   {pool(3, config.VMTypeServer), pool(2, ""), ""},
	} {
		c := &types.InstallConfig{
			Platform: types.Platform{Settings: &config.Platform{}}, ControlPlane: &tt.masters,
			Compute: []types.MachinePool{tt.workers},
		}
		if got := virtualization.ClusterOf(c, "").NoKVM; !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
