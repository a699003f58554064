package external

import (
	"testing"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/types"
)

func TestCloudControllerState(t *testing.T) {
	for asked, want := range map[string]configv1.CloudControllerManagerState{"": "None", "External": "External"} {
		c := &types.InstallConfig{Platform: types.Platform{Settings: &Platform{CloudControllerManager: asked}}}
		if got := cluster(c).Status.External.CloudControllerManager.State; got != want {
			t.Errorf("%q: %s", asked, got)
		}
	}
}
