package wizard

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// settings are those of a platform that has none.
type settings struct{}

func kind() types.PlatformKind {
	return types.PlatformKind{Name: "toy", New: func() types.PlatformSettings { return &settings{} }}
}

func (*settings) Kind() types.PlatformKind { return kind() }

func TestEncode(t *testing.T) {
	zero := int64(0)
	c := types.InstallConfig{
		APIVersion: "v1", BaseDomain: "0755.example", Metadata: types.Metadata{Name: "1e3", Namespace: "on"}, FIPS: true,
		AdditionalTrustBundle: "line\nline\n", PullSecret: secret.New(`{"a":"it's"}`), SSHKey: "key: 'x' # y",
		Compute:  []types.MachinePool{{Name: "worker", Replicas: &zero}},
		Platform: types.Platform{Settings: &settings{}},
		Networking: &types.Networking{ServiceNetwork: []netip.Prefix{netip.MustParsePrefix("fd00::/112")},
			ClusterNetwork: []types.ClusterNetworkEntry{{CIDR: netip.MustParsePrefix("10.0.0.0/8"), HostPrefix: 23}}},
	}
	got, err := encode(&c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `apiVersion: v1
metadata:
  name: "1e3"
  namespace: "on"
baseDomain: 0755.example
additionalTrustBundle: |
  line
  line
sshKey: 'key: ''x'' # y'
pullSecret: '{"a":"it''s"}'
networking:
  clusterNetwork:
    - cidr: 10.0.0.0/8
      hostPrefix: 23
  serviceNetwork:
    - fd00::/112
compute:
  - name: worker
    replicas: 0
platform:
  toy: {}
fips: true
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
	back, findings := types.Options{Platforms: []types.PlatformKind{kind()}}.Load("x", got)
	if back != nil && (back.Metadata.Name != "1e3" || back.SSHKey != c.SSHKey || back.PullSecret != c.PullSecret) {
		t.Errorf("read back as %+v", back)
	}
	for _, f := range findings.Findings() {
		if strings.Contains(f.Detail, "quotes") || strings.Contains(f.Detail, "unknown key") {
			t.Errorf("%+v", f)
		}
	}
}
