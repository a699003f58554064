package clustermanifests_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

var platformNames = clustermanifests.PlatformNames{"BareMetal": "baremetal", "External": "external", "None": "none"}

func read(t *testing.T, files asset.Files) clustermanifests.Definition {
	t.Helper()
	d, found := clustermanifests.Read(files, platformTypes, image)
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return d
}

// The install-config of manifests is that of the same cluster: the same manifests come of it.
func TestInstallConfig(t *testing.T) {
	for name := range cases {
		t.Run(name, func(t *testing.T) {
			files := render(t, name)
			text, err := read(t, files).InstallConfig(platformNames)
			if err != nil {
				t.Fatal(err)
			}
			// The namespace means nothing in an install-config.
			text = bytes.Replace(text, []byte("metadata:\n"), []byte("metadata:\n  namespace: cluster0\n"), 1)
			again := renderText(t, string(text), cases[name][1])
			for _, f := range files {
				if strings.HasSuffix(f.Path, "/nmstateconfig.yaml") {
					continue // which is used as it is
				}
				if got := again.Data(f.Path); !bytes.Equal(got, f.Data) {
					t.Errorf("%s is\n%s\nand was\n%s", f.Path, got, f.Data)
				}
			}
		})
	}
}

// redefinitions are edits of the case baremetal, and what the install-config has of each.
var redefinitions = []struct{ name, file, old, replacement, has string }{
	{"name", "cluster-deployment.yaml", "clusterName: demo", "clusterName: other", "name: other"},
	{"domain", "cluster-deployment.yaml", "baseDomain: okd.test", "baseDomain: okd.example", "baseDomain: okd.example"},
	{"masters", "agent-cluster-install.yaml", "controlPlaneAgents: 3", "controlPlaneAgents: 5", "replicas: 5"},
	{"workers", "agent-cluster-install.yaml", "workerAgents: 1", "workerAgents: 4", "replicas: 4"},
	{"API address", "agent-cluster-install.yaml", "apiVIP: 198.18.0.10\n  apiVIPs:\n  - 198.18.0.10",
		"apiVIPs:\n  - 198.18.0.12", "- 198.18.0.12"},
	{"ingress address", "agent-cluster-install.yaml", "  - 198.18.0.11", "  - 198.18.0.13", "- 198.18.0.13"},
	{"machines' network", "agent-cluster-install.yaml", "cidr: 198.18.0.0/24", "cidr: 198.18.0.0/23", "198.18.0.0/23"},
	{"pods' network", "agent-cluster-install.yaml", "cidr: 10.128.0.0/14", "cidr: 10.132.0.0/14", "10.132.0.0/14"},
	{"host prefix", "agent-cluster-install.yaml", "hostPrefix: 23", "hostPrefix: 24", "hostPrefix: 24"},
	{"services' network", "agent-cluster-install.yaml", "172.30.0.0/16", "172.31.0.0/16", "172.31.0.0/16"},
	{"proxy", "agent-cluster-install.yaml", "http://proxy.test:3128", "http://proxy.test:8080", "proxy.test:8080"},
	{"exceptions of the proxy", "agent-cluster-install.yaml", "noProxy: .okd.test", "noProxy: .other.test,.okd.test",
		".other.test"},
	{"SSH key", "agent-cluster-install.yaml", "  platformType", "  sshPublicKey: " + sshKey + "\n  platformType",
		sshKey[:60]},
	{"overrides", "agent-cluster-install.yaml", `"fips":true`, `"fips":false`, "fips: false"},
	{"more overrides", "agent-cluster-install.yaml", `"fips":true`,
		`"fips":true,"cpuPartitioningMode":"AllNodes"`, "cpuPartitioningMode: AllNodes"},
	{"features", "agent-cluster-install.yaml", "Example=true", "Example=false", "- Example=false"},
	{"processor", "infraenv.yaml", "cpuArchitecture: x86_64", "cpuArchitecture: aarch64", "architecture: arm64"},
	{"login", "pull-secret.yaml", "dXNlcjpwYXNzd29yZA==", "b3RoZXI6cGFzc3dvcmQ=", "b3RoZXI6cGFzc3dvcmQ="},
	{"mirror", "registries.conf", "mirror.test/okd", "mirror.test/other", "- mirror.test/other"},
	{"source of mirrors", "registries.conf", `location = "quay.io/okd"`, `location = "quay.io/other"`,
		"source: quay.io/other"},
	{"no way around mirrors", "registries.conf", "mirror-by-digest-only = true",
		"mirror-by-digest-only = true\n  blocked = true", "sourcePolicy: NeverContactSource"},
}

// sshKey is of a kind that FIPS allows.
const sshKey = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOrDR42yY86ljef9QP" +
	"MEsI7bUz2LStxVy/wl6E7ojUwMPWXc2BWXn5wEiWhHq8YThnq6kMUgAx4Y1/ErolEn7PE= me"

// Edits of manifests change the install-config that the cluster is made from, and nothing
// else of it.
func TestRedefine(t *testing.T) {
	config := strings.Replace(cases["baremetal"][0], "compute: [{name: worker, replicas: 1}]",
		"compute: [{name: worker, replicas: 1, hyperthreading: Disabled}]", 1)
	before := read(t, render(t, "baremetal"))
	if text, err := clustermanifests.Redefine([]byte(config), before, before, platformNames); text != nil || err != nil {
		t.Errorf("without an edit: %v\n%s", err, text)
	}
	for _, e := range redefinitions {
		t.Run(e.name, func(t *testing.T) {
			files := edited(t, e.file, e.old, e.replacement)
			text, err := clustermanifests.Redefine([]byte(config), before, read(t, files), platformNames)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), e.has) {
				t.Errorf("no %q in\n%s", e.has, text)
			}
			c, found := types.Options{Platforms: platforms.All().Kinds(), Agent: true}.Load("c", text)
			if c == nil {
				t.Fatal(found.Err())
			}
			if c.Compute[0].Hyperthreading != "Disabled" || !strings.Contains(string(text), password) {
				t.Errorf("settings were lost:\n%s", text)
			}
		})
	}
}

// Where the network is not, the definition names the rendezvous host.
func TestFirstAddress(t *testing.T) {
	d := read(t, render(t, "baremetal"))
	none := func([]agent.Interface) bool { return false }
	if ip := d.FirstAddress(none); ip.String() != "198.18.0.20" {
		t.Errorf("got %s", ip)
	}
	if ip := d.FirstAddress(func([]agent.Interface) bool { return true }); ip.IsValid() {
		t.Errorf("got %s of a worker", ip)
	}
	if len(d.Keyfiles) != 2 || d.Keyfiles[0].Name != "host0/eno1.nmconnection" {
		t.Errorf("profiles %v", d.Keyfiles)
	}
}
