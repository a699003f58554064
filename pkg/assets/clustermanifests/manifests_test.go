package clustermanifests_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

const (
	image    = "quay.io/okd/scos-release@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	password = "hunter2-hunter2"

	names = `apiVersion: v1
metadata: {name: demo, namespace: cluster0}
baseDomain: okd.test
pullSecret: '{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
networking: {machineNetwork: [{cidr: 198.18.0.0/24}]}
`
)

// cases are install-configs, each with an agent-config.
var cases = map[string][2]string{
	"single-node": {names + `controlPlane: {name: master, replicas: 1}
compute: [{name: worker, replicas: 0}]
platform: {none: {}}
`, "apiVersion: v1beta1\nrendezvousIP: 198.18.0.20\nadditionalNTPSources: [ntp.test]\n"},
	"baremetal": {names + `compute: [{name: worker, replicas: 1}]
platform:
  baremetal:
    apiVIPs: [198.18.0.10]
    ingressVIPs: [198.18.0.11]
    provisioningNetwork: Disabled
    hosts:
    - name: host-0
      role: master
      bootMACAddress: 52:54:00:00:00:01
      bmc:
        address: redfish-virtualmedia://198.18.0.51/redfish/v1/Systems/1
        username: admin
        password: ` + password + `
      networkConfig:
        interfaces:
        - name: eno1
          mac-address: 52:54:00:00:00:01
          ipv4: {enabled: true, address: [{ip: 198.18.0.20, prefix-length: 24}]}
    - {name: host-1, bootMACAddress: 52:54:00:00:00:02}
proxy: {httpProxy: "http://proxy.test:3128", noProxy: .okd.test}
imageDigestSources: [{source: quay.io/okd, mirrors: [mirror.test/okd]}]
fips: true
featureSet: CustomNoUpgrade
featureGates: [Example=true]
`, "apiVersion: v1beta1\n"},
	"external": {names + `controlPlane: {name: master, architecture: arm64}
compute: [{name: worker, replicas: 2, architecture: arm64}]
platform: {external: {platformName: oci, cloudControllerManager: External}}
cpuPartitioningMode: AllNodes
`, ""},
	"arbiter": {names + `controlPlane: {name: master, replicas: 2}
arbiter: {name: arbiter, replicas: 1}
compute: [{name: worker, replicas: 0}]
platform:
  baremetal: {apiVIPs: [198.18.0.10], ingressVIPs: [198.18.0.11], loadBalancer: {type: UserManaged}}
`, ""},
}

// render makes the files of a case.
func render(t testing.TB, name string) asset.Files {
	t.Helper()
	return renderText(t, cases[name][0], cases[name][1])
}

// renderText makes the files of an install-config and an agent-config.
func renderText(t testing.TB, cluster, hosts string) asset.Files {
	t.Helper()
	options := types.Options{Platforms: platforms.All().Kinds(), Agent: true}
	c, found := options.Load("install-config.yaml", []byte(cluster))
	if c == nil {
		t.Fatal(found.Err())
	}
	var config *agent.Config
	if text := hosts; text != "" {
		if config, found = agent.Load(agent.File, []byte(text)); config == nil {
			t.Fatal(found.Err())
		}
	}
	inventory, found := agent.NewInventory(c, config)
	if found.Failed() {
		t.Fatal(found.Err())
	}
	list := platforms.All().Assets()
	on := list[slices.IndexFunc(list, func(p assets.Platform) bool { return p.Kind.Name == c.Platform.Name() })]
	told := on.Cluster(c)
	in := clustermanifests.Inputs{
		Config: c, Platform: told.Spec, Status: told.Status, Inventory: inventory,
		ReleaseImage: image, ReleaseVersion: "5.0.0-okd-scos.1",
	}
	if on.Agent.Overrides != nil {
		in.Overrides = on.Agent.Overrides(c, inventory.FromInstallConfig)
	}
	if config != nil {
		in.NTPSources = config.AdditionalNTPSources
	}
	files, err := clustermanifests.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	return asset.Merge(files, clustermanifests.RenderMirrors(c))
}

var platformTypes = []string{"BareMetal", "External", "None"}

// What is written is as accepted, and can be read.
func TestGolden(t *testing.T) {
	for name := range cases {
		t.Run(name, func(t *testing.T) {
			files := render(t, name)
			var all strings.Builder
			for _, f := range files {
				all.WriteString("-- " + f.Path + " --\n" + string(f.Data))
				if f.Mode != asset.SecretMode {
					t.Errorf("%s has mode %o", f.Path, f.Mode)
				}
			}
			golden.Compare(t, "testdata/"+name+".txt", all.String())
			d, found := clustermanifests.Read(files, platformTypes, image)
			if lines := append(found.Lines(false), found.Lines(true)...); len(lines) > 0 {
				t.Errorf("findings:\n%s", strings.Join(lines, "\n"))
			}
			if d.PullSecret.IsZero() || d.Deployment.Spec.BaseDomain != "okd.test" {
				t.Errorf("read %+v", d.Deployment)
			}
		})
	}
}
