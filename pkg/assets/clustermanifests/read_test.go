package clustermanifests_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
)

// edits are changes of the files of the case baremetal, and the finding about each.
var edits = []struct{ name, file, old, replacement, finding string }{
	{"no YAML", "agent-cluster-install.yaml", "spec:", "spec: [", "not YAML"},
	{"an empty file", "infraenv.yaml", "", "", ": Required value: the file is empty"},
	{"another kind", "infraenv.yaml", "kind: InfraEnv", "kind: Pod", ": kind: Unsupported value"},
	{"another API", "cluster-deployment.yaml", "hive.openshift.io/v1", "v1", ":1:13: apiVersion: Unsupported value"},
	{"an unknown field", "agent-cluster-install.yaml", "platformType", "platformTyp",
		": spec.platformTyp: Invalid value: \"platformTyp\": unknown key; did you mean \"platformType\"?"},
	{"a field that nothing here does", "agent-cluster-install.yaml", "  platformType",
		"  holdInstallation: true\n  platformType",
		": spec.holdInstallation: Invalid value"},
	{"another platform", "agent-cluster-install.yaml", "platformType: BareMetal", "platformType: VSphere",
		": spec.platformType: Unsupported value: \"VSphere\""},
	{"networking that the platform does not have", "agent-cluster-install.yaml", "platformType: BareMetal",
		"platformType: None", ": spec.networking.userManagedNetworking: Forbidden"},
	{"another network plugin", "agent-cluster-install.yaml", "networkType: OVNKubernetes", "networkType: OpenShiftSDN",
		": spec.networking.networkType: Unsupported value"},
	{"a network that is none", "agent-cluster-install.yaml", "172.30.0.0/16", "172.30.0.0",
		": spec.networking.serviceNetwork[0]: Invalid value"},
	{"no virtual addresses", "agent-cluster-install.yaml", "  apiVIP: 198.18.0.10\n  apiVIPs:\n  - 198.18.0.10\n", "",
		": spec.apiVIPs: Required value"},
	{"6 masters", "agent-cluster-install.yaml", "controlPlaneAgents: 3", "controlPlaneAgents: 6",
		": spec.provisionRequirements.controlPlaneAgents: Unsupported value"},
	{"a single node with workers", "agent-cluster-install.yaml", "controlPlaneAgents: 3", "controlPlaneAgents: 1",
		": spec.provisionRequirements.workerAgents: Forbidden"},
	{"overrides that are no JSON", "agent-cluster-install.yaml", `'{"`, `'{`, "install-config-overrides: Invalid value"},
	{"no domain", "cluster-deployment.yaml", "baseDomain: okd.test", "baseDomain: ''",
		": spec.baseDomain: Required value"},
	{"a wrong domain", "cluster-deployment.yaml", "okd.test", "okd_test", ": spec.baseDomain: Invalid value"},
	{"another release", "cluster-image-set.yaml", "quay.io/okd", "quay.io/other", ": spec.releaseImage: Forbidden"},
	{"an unknown processor", "infraenv.yaml", "x86_64", "sparc", ": spec.cpuArchitecture: Unsupported value"},
	{"other labels", "nmstateconfig.yaml", "openshift.io: demo", "openshift.io: other",
		": [0].metadata.labels: Invalid value"},
	{"half a MAC", "nmstateconfig.yaml", `macAddress: "52:54:00:00:00:01"`, "macAddress: 52:54",
		": [0].spec.interfaces[0].macAddress: Invalid value"},
	{"an address that is none", "nmstateconfig.yaml", "ip: 198.18.0.20", "ip: 198.18.0.20/24",
		": [0].spec.config.interfaces[0].ipv4.address[0].ip: Invalid value"},
	{"a network that cannot be translated", "nmstateconfig.yaml", "    - ipv4:", "    - type: ovs-bridge\n      ipv4:",
		": [0].spec.config.interfaces[0].type: Unsupported value"},
	{"an address without prefix", "nmstateconfig.yaml", "          prefix-length: 24\n", "",
		": [0].spec.config.interfaces[0].ipv4.address[0].prefix-length: Required value"},
	{"no interfaces", "nmstateconfig.yaml", "  interfaces:\n  - macAddress: \"52:54:00:00:00:01\"\n    name: eno1\n",
		"  interfaces: []\n", ": [0].spec.interfaces: Required value"},
	{"no labels", "nmstateconfig.yaml", "  labels:\n    infraenvs.agent-install.openshift.io: demo\n", "",
		": [0].metadata.labels: Required value"},
	{"a negative number of workers", "agent-cluster-install.yaml", "workerAgents: 1", "workerAgents: -1",
		": spec.provisionRequirements.workerAgents: Invalid value"},
	{"a number that is none", "agent-cluster-install.yaml", "workerAgents: 1", "workerAgents: many",
		": spec.provisionRequirements.workerAgents: Invalid value"},
	{"no masters", "agent-cluster-install.yaml", "controlPlaneAgents: 3", "controlPlaneAgents: 0",
		": spec.provisionRequirements.controlPlaneAgents: Unsupported value"},
	{"a key twice", "agent-cluster-install.yaml", "  platformType", "  platformType: BareMetal\n  platformType",
		": spec.platformType: Duplicate value"},
	{"a virtual address that is none", "agent-cluster-install.yaml", "apiVIP: 198.18.0.10", "apiVIP: 198.18.0",
		": spec.apiVIP: Invalid value"},
	{"an SSH key that is none", "infraenv.yaml", "  cpuArchitecture", "  sshAuthorizedKey: key\n  cpuArchitecture",
		": spec.sshAuthorizedKey: Invalid value"},
	{"a time server that is none", "infraenv.yaml", "  cpuArchitecture",
		"  additionalNTPSources: ['no server']\n  cpuArchitecture", ": spec.additionalNTPSources[0]: Invalid value"},
	{"authorities that are none", "infraenv.yaml", "  cpuArchitecture", "  additionalTrustBundle: x\n  cpuArchitecture",
		": spec.additionalTrustBundle: Invalid value"},
	{"no release", "cluster-image-set.yaml", "releaseImage: " + image, "releaseImage: ''",
		": spec.releaseImage: Required value"},
	{"no name", "cluster-deployment.yaml", "clusterName: demo", "clusterName: ''", ": spec.clusterName: Required value"},
	{"a broken login", "pull-secret.yaml", `"auths"`, `"auth"`, ": stringData..dockerconfigjson: Invalid value"},
	{"no login", "pull-secret.yaml", "stringData", "data", ": data..dockerconfigjson: Invalid value"},
	{"no TOML", "registries.conf", "[[registry]]", "[[registry",
		"registries.conf:4:1: Invalid value: not TOML: expected"},
	{"an unknown key of mirrors", "registries.conf", "mirror-by-digest-only", "mirror-by-digest",
		"registry.mirror-by-digest"},
	{"a mirror without location", "registries.conf", `location = "mirror.test/okd"`, "",
		"registry[0].mirror[0].location"},
}

// edited are the files of the case baremetal after an edit.
func edited(t testing.TB, file, old, replacement string) asset.Files {
	t.Helper()
	files := render(t, "baremetal")
	for i, f := range files {
		if !strings.HasSuffix(f.Path, "/"+file) {
			continue
		}
		if !bytes.Contains(f.Data, []byte(old)) {
			t.Fatalf("%s has no %q:\n%s", f.Path, old, f.Data)
		}
		files[i].Data = bytes.Replace(f.Data, []byte(old), []byte(replacement), 1)
		if old == "" {
			files[i].Data = nil
		}
		return files
	}
	t.Fatalf("no file %s", file)
	return nil
}

func TestRead(t *testing.T) {
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			_, found := clustermanifests.Read(edited(t, e.file, e.old, e.replacement), platformTypes, image)
			lines := found.Lines(false)
			if len(lines) != 1 || !strings.Contains(lines[0], e.finding) || !strings.Contains(lines[0], "/"+e.file) {
				t.Errorf("findings, want %q:\n%s", e.finding, strings.Join(lines, "\n"))
			}
			if text := strings.Join(append(lines, found.Lines(true)...), "\n"); strings.Contains(text, password) ||
				strings.Contains(text, "dXNlcjpwYXNz") {
				t.Errorf("a message shows a secret: %s", text)
			}
		})
	}
}

// A name that no object has is probably a mistake, but openshift-install accepts it.
func TestReferences(t *testing.T) {
	files := edited(t, "cluster-image-set.yaml", "openshift-5.0.0", "other-5.0.0")
	_, found := clustermanifests.Read(files, platformTypes, image)
	warnings := found.Lines(true)
	if found.Failed() || len(warnings) != 1 || !strings.Contains(warnings[0], "spec.imageSetRef.name") {
		t.Errorf("%v, %q", found.Err(), warnings)
	}
}

// Files as openshift-install writes them have fields without meaning.
func TestReadFilesOfTheReference(t *testing.T) {
	files := edited(t, "cluster-deployment.yaml", "spec:\n", "status: {}\nspec:\n  controlPlaneConfig:\n"+
		"    servingCertificates: {}\n  installed: false\n  platform: {}\n")
	for i, f := range files {
		text := strings.Replace(string(f.Data), "metadata:\n", "metadata:\n  creationTimestamp: null\n", 1)
		if strings.HasSuffix(f.Path, "agent-cluster-install.yaml") {
			text = strings.Replace(text, "BareMetal", "baremetal", 1) +
				"status:\n  debugInfo: {eventsURL: '', logsURL: ''}\n  progress: {totalPercentage: 0}\n"
		}
		if strings.HasSuffix(f.Path, "infraenv.yaml") {
			text = strings.Replace(text, "x86_64", "amd64\n  ipxeScriptType: ''", 1) + "status: {bootArtifacts: {initrd: ''}}\n"
		}
		files[i].Data = []byte(text)
	}
	d, found := clustermanifests.Read(files, platformTypes, "")
	if found.Failed() || d.Install.Spec.PlatformType != "BareMetal" || d.InfraEnv.Spec.CPUArchitecture != "x86_64" {
		t.Errorf("%v, %+v", found.Err(), d.Install.Spec)
	}
}

// FuzzRead looks for manifests that make the installer panic or break the form of its messages.
func FuzzRead(f *testing.F) {
	files := render(f, "baremetal")
	for i, file := range files {
		f.Add(i, file.Data)
	}
	for _, e := range edits {
		for i, file := range edited(f, e.file, e.old, e.replacement) {
			if strings.HasSuffix(file.Path, "/"+e.file) {
				f.Add(i, file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		if i < 0 || i >= len(files) {
			return
		}
		changed := append(asset.Files{}, files...)
		changed[i] = asset.NewFile(files[i].Path, data)
		_, found := clustermanifests.Read(changed, platformTypes, image)
		for _, l := range append(found.Lines(false), found.Lines(true)...) {
			known := strings.HasPrefix(l, "cluster-manifests/") || strings.HasPrefix(l, "mirror/")
			if strings.ContainsAny(l, "\n\r") || !known {
				t.Fatalf("message %q", l)
			}
		}
	})
}
