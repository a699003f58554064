package bootstrap_test

import (
	"net/netip"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

func testConfig(t *testing.T) *types.InstallConfig {
	t.Helper()
	return &types.InstallConfig{
		Metadata:                    types.Metadata{Name: "demo"},
		BaseDomain:                  "okd.test",
		SSHKey:                      "ssh-ed25519 AAAAoperator operator\n",
		PullSecret:                  secret.New(`{"auths":{"registry.test":{"auth":"dTpw"}}}`),
		AdditionalTrustBundle:       "-----BEGIN CERTIFICATE-----\nlab\n-----END CERTIFICATE-----",
		AdditionalTrustBundlePolicy: types.TrustAlways,
		Networking: &types.Networking{
			MachineNetwork: []types.MachineNetworkEntry{{CIDR: netip.MustParsePrefix("198.18.0.0/24")}},
		},
		Platform: types.Platform{Settings: &config.Platform{}},
	}
}
