package assets_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/platforms"
)

// Ten times the hosts take ten times the memory, in the first run, which makes
// and writes all files, and in the next, which reads and compares them.
func TestMemoryIsLinear(t *testing.T) {
	few, many := 100, 1000
	if testing.Short() {
		few, many = 50, 500
	}
	measure := func(hosts int) (first, again uint64) {
		config := withHosts(t, hosts)
		keys := stateOf(t, config, assets.RootCA, assets.MachineConfigServer, assets.Kubeadmin)
		dir := t.TempDir()
		if err := errors.Join(
			os.WriteFile(filepath.Join(dir, configFile), config, 0o600),
			os.WriteFile(filepath.Join(dir, asset.StateName), keys, 0o600)); err != nil {
			t.Fatal(err)
		}
		run := func() uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			i, err := assets.Open(dir, assets.Deps{Platforms: platforms.All().Assets(), ReleaseImage: testImage})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(i.Manifests(context.Background()), i.Close()); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		return run(), run()
	}
	fewFirst, fewAgain := measure(few)
	manyFirst, manyAgain := measure(many)
	t.Logf("%d hosts: %d KiB, then %d; %d hosts: %d KiB, then %d", few, fewFirst>>10, fewAgain>>10, many, manyFirst>>10,
		manyAgain>>10)
	// A fifth is for buffers that double as they grow.
	if most := uint64(12); manyFirst > most*fewFirst || manyAgain > most*fewAgain {
		t.Errorf("%d hosts allocate %.1f and %.1f times as much as %d", many,
			float64(manyFirst)/float64(fewFirst), float64(manyAgain)/float64(fewAgain), few)
	}
}
