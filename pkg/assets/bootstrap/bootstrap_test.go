package bootstrap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
	ign "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/vincent-petithory/dataurl"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types"
)

const clusterVersion = `apiVersion: config.openshift.io/v1
kind: ClusterVersion
metadata: {name: version}
spec:
  channel: stable-scos-4
  clusterID: 00000000-0000-0000-0000-000000000000
`

var testKeys = pki.SSHKeys{
	Host: pki.SSHKey{
		PrivatePEM:    []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nhost\n-----END OPENSSH PRIVATE KEY-----\n"),
		AuthorizedKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC2t66Y8jqA6iglM+/cf9SK9to/kWF5ZOKQuzBizIkt0 bootstrap host",
	},
	User: pki.SSHKey{
		PrivatePEM:    []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nuser\n-----END OPENSSH PRIVATE KEY-----\n"),
		AuthorizedKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4poHDRZJ+yyfpS+Ecd1erj+buGTAfLoIpnfINntp9T okd-install",
	},
}

func testInputs(t *testing.T) bootstrap.Inputs {
	t.Helper()
	file := func(name, content string) asset.File { return asset.NewFile(name, []byte(content)) }
	return bootstrap.Inputs{
		Config:       testConfig(t),
		Platform:     "baremetal",
		InfraID:      "demo-abcde",
		ReleaseImage: "registry.test/okd/release@sha256:aa",
		HostKeys:     testKeys,
		Files: asset.Files{
			file("manifests/cvo-overrides.yaml", clusterVersion),
			file("manifests/cluster-config.yaml",
				"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cluster-config-v1, namespace: kube-system}\n"),
			file("openshift/99_two.yaml",
				"apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: kube-system}\n---\n"+
					"apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfig\nmetadata: {name: 99-master-ssh}\n"),
			file("tls/root-ca.crt", "crt"),
			file("tls/root-ca.key", "the key of the root"),
			file("tls/admin-kubeconfig-client.key", "the key of the administrator"),
			file("tls/service-account.key", "key"),
			file("auth/kubeconfig", "kubeconfig"),
			file("auth/kubeadmin-password", "aaaaa-bbbbb-ccccc-ddddd"),
		},
	}
}

func render(t *testing.T, in bootstrap.Inputs) ign.Config {
	t.Helper()
	raw, err := bootstrap.Ignition(in)
	if err != nil {
		t.Fatal(err)
	}
	c, rep, err := v3_2.Parse(raw)
	if err != nil || len(rep.Entries) > 0 {
		t.Fatalf("Ignition says: %v %s", err, rep.String())
	}
	return c
}

func fileOf(t *testing.T, c ign.Config, path string) (string, int) {
	t.Helper()
	for _, f := range c.Storage.Files {
		if f.Path == path {
			u, err := dataurl.DecodeString(*f.Contents.Source)
			if err != nil {
				t.Fatal(err)
			}
			return string(u.Data), *f.Mode
		}
	}
	return "", 0
}

// TestIgnitionGolden shows reviewers what the host gets: every path and mode, and the
// content of files that are not copied unchanged from data/bootstrap.
func TestIgnitionGolden(t *testing.T) {
	c := render(t, testInputs(t))
	var out strings.Builder
	for _, u := range c.Passwd.Users {
		fmt.Fprintf(&out, "user %s\n", u.Name)
		for _, k := range u.SSHAuthorizedKeys {
			fmt.Fprintf(&out, "  %s\n", k)
		}
	}
	for _, u := range c.Systemd.Units {
		fmt.Fprintf(&out, "unit %s enabled=%v\n", u.Name, u.Enabled != nil && *u.Enabled)
	}
	for _, f := range c.Storage.Files {
		content, mode := fileOf(t, c, f.Path)
		fmt.Fprintf(&out, "file %04o %s\n", mode, f.Path)
		verbatim := strings.HasPrefix(content, "#!") || strings.HasSuffix(f.Path, ".jq") ||
			strings.HasSuffix(f.Path, "kubelet.conf")
		if !verbatim || strings.Contains(f.Path, "dispatcher.d") {
			fmt.Fprintf(&out, "  | %s\n", strings.ReplaceAll(strings.TrimRight(content, "\n"), "\n", "\n  | "))
		}
	}
	// The golden file shows where the private key is, not the key.
	private := strings.TrimRight(string(testKeys.Host.PrivatePEM), "\n")
	text := strings.ReplaceAll(out.String(), strings.ReplaceAll(private, "\n", "\n  | "), "(private key)")
	golden.Compare(t, "testdata/bootstrap.txt", text)
}

func TestIgnitionIsPure(t *testing.T) {
	one, err := bootstrap.Ignition(testInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	two, err := bootstrap.Ignition(testInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("two runs differ")
	}
}

func TestIgnitionKeepsKeysBack(t *testing.T) {
	c := render(t, testInputs(t))
	for _, f := range c.Storage.Files {
		content, mode := fileOf(t, c, f.Path)
		for _, secret := range []string{"the key of the root", "the key of the administrator", "aaaaa-bbbbb"} {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %q", f.Path, secret)
			}
		}
		private := strings.HasPrefix(f.Path, "/opt/openshift/tls/") || strings.HasPrefix(f.Path, "/opt/openshift/auth/") ||
			strings.Contains(content, "-----BEGIN OPENSSH PRIVATE KEY") || strings.Contains(content, `"auths"`)
		if private && mode != 0o600 {
			t.Errorf("%s has mode %04o", f.Path, mode)
		}
	}
}

func TestOverridesOfTheUserComeBack(t *testing.T) {
	in := testInputs(t)
	own := "  overrides:\n  - {kind: Secret, group: \"\", namespace: kube-system, name: one, unmanaged: true}\n"
	in.Files = asset.Merge(in.Files, asset.Files{
		asset.NewFile("manifests/cvo-overrides.yaml", []byte(clusterVersion+own)),
	})
	c := render(t, in)
	patch, _ := fileOf(t, c, "/opt/openshift/original_cvo_overrides.patch")
	const want = `{"spec":{"overrides":[` +
		`{"group":"","kind":"Secret","name":"one","namespace":"kube-system","unmanaged":true}]}}`
	if patch != want {
		t.Errorf("patch %s, want %s", patch, want)
	}
	raw, _ := fileOf(t, c, "/opt/openshift/manifests/cvo-overrides.yaml")
	var version struct {
		Spec struct {
			ClusterID string
			Overrides []struct{ Kind, Group, Name string }
		}
	}
	if err := yaml.Unmarshal([]byte(raw), &version); err != nil {
		t.Fatal(err)
	}
	const overrides = "[{Secret  one} {ConfigMap  cluster-config-v1} " +
		"{MachineConfig machineconfiguration.openshift.io 99-master-ssh}]"
	if got := fmt.Sprint(version.Spec.Overrides); got != overrides {
		t.Errorf("overrides %s", got)
	}
	if version.Spec.ClusterID == "" {
		t.Error("the rest of the spec is gone")
	}
	none, _ := fileOf(t, render(t, testInputs(t)), "/opt/openshift/original_cvo_overrides.patch")
	if none != `{"spec":{"overrides":null}}` {
		t.Errorf("patch without overrides of the user: %s", none)
	}
}

func TestIgnitionRefuses(t *testing.T) {
	tests := []struct {
		name, path, content, saying string
	}{
		{
			"an object twice", "openshift/99_again.yaml",
			"kind: Secret\napiVersion: v1\nmetadata: {name: one, namespace: kube-system}\n",
			`Secret "one" is in openshift/99_again.yaml and in openshift/99_two.yaml`,
		},
		{
			"what is no object", "manifests/x.yaml", "hello: world\n",
			"manifests/x.yaml holds something that is not a Kubernetes object",
		},
		{"broken YAML", "manifests/x.yaml", "a: [\n", "parse manifests/x.yaml"},
		{"an unknown directory", "etc/passwd", "", "no such directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := testInputs(t)
			in.Files = append(in.Files, asset.NewFile(tt.path, []byte(tt.content)))
			if _, err := bootstrap.Ignition(in); err == nil || !strings.Contains(err.Error(), tt.saying) {
				t.Errorf("error %v, should say %q", err, tt.saying)
			}
		})
	}
}

func TestStagesGolden(t *testing.T) {
	table, err := bootstrap.Stages()
	if err != nil {
		t.Fatal(err)
	}
	in := testInputs(t)
	in.Profile = bootstrap.DefaultProfile
	raw, err := json.MarshalIndent(table.For(in), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/stages.json", string(raw)+"\n")
	if raw, err = json.MarshalIndent(table.For(inPlaceInputs(t)), "", " "); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/stages-in-place.json", string(raw)+"\n")

	in.Files = append(in.Files, asset.NewFile("manifests/cloud-provider-config.yaml", nil))
	raw, err = json.Marshal(table.For(in))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(raw, []byte("cloud-provider-config-generated.yaml")); n != 2 {
		t.Errorf("with a cloud configuration it is named %d times, want 2", n)
	}
}

func TestHostSettings(t *testing.T) {
	in := testInputs(t)
	in.Config.Proxy = &types.Proxy{HTTPProxy: "http://u:p%40@proxy.test:3128"}
	in.Config.ImageDigestSources = []types.ImageDigestSource{
		{Source: "quay.test/okd", Mirrors: []string{"mirror.test/okd"}, SourcePolicy: "NeverContactSource"},
		{Source: "quay.test/none"},
		{Source: "quay.test/okd", Mirrors: []string{"second.test/okd", "mirror.test/okd"}},
	}
	in.Files = append(in.Files, asset.NewFile("manifests/cluster-proxy-01-config.yaml", []byte(
		"apiVersion: config.openshift.io/v1\nkind: Proxy\nmetadata: {name: cluster}\n"+
			"status: {httpProxy: 'http://u:p%40@proxy.test:3128', noProxy: '.svc,127.0.0.1'}\n")))
	c := render(t, in)
	for path, want := range map[string]string{
		"/etc/profile.d/proxy.sh":                        `export http_proxy='http://u:p%40@proxy.test:3128'`,
		"/etc/systemd/system.conf.d/10-default-env.conf": `DefaultEnvironment="HTTP_PROXY=http://u:p%%40@proxy.test:3128"`,
		"/etc/containers/registries.conf": "location = \"quay.test/okd\"\n  mirror-by-digest-only = true\n" +
			"  blocked = true\n\n" +
			"  [[registry.mirror]]\n    location = \"mirror.test/okd\"\n\n" +
			"  [[registry.mirror]]\n    location = \"second.test/okd\"\n",
		"/etc/NetworkManager/dispatcher.d/30-local-dns-prepender": "LOCAL=127.0.0.1\n",
	} {
		content, _ := fileOf(t, c, path)
		if !strings.Contains(content, want) {
			t.Errorf("%s:\n%s\nshould contain\n%s", path, content, want)
		}
	}
	if _, mode := fileOf(t, c, "/etc/containers/registries.conf"); mode != 0o644 {
		t.Errorf("registries.conf has mode %04o, which rpm-ostree cannot read", mode)
	}
	in.Config.Platform, in.Platform = types.Platform{Settings: &none.Platform{}}, "none"
	if _, mode := fileOf(t, render(t, in), "/etc/NetworkManager/dispatcher.d/30-local-dns-prepender"); mode != 0 {
		t.Error("the host uses itself as name server, but serves no names")
	}
}

func TestNodeIP(t *testing.T) {
	in := testInputs(t)
	if _, mode := fileOf(t, render(t, in), "/etc/kubernetes/kubelet.env"); mode != 0 {
		t.Error("the kubelet gets an address although the host has only one")
	}
	in.Config.Networking.ServiceNetwork = []netip.Prefix{netip.MustParsePrefix("fd02::/112")}
	if env, _ := fileOf(t, render(t, in), "/etc/kubernetes/kubelet.env"); env != "NODE_IP=::\n" {
		t.Errorf("with IPv6 first: %q", env)
	}
	in.NodeIP = netip.MustParseAddr("198.18.0.7")
	if env, _ := fileOf(t, render(t, in), "/etc/kubernetes/kubelet.env"); env != "NODE_IP=198.18.0.7\n" {
		t.Errorf("with an address of the user's: %q", env)
	}
}

// TestShellcheck checks every script in the form in which the host gets it.
func TestShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Fatalf("install the package shellcheck: %v", err)
	}
	c := render(t, testInputs(t))
	dir := t.TempDir()
	var scripts []string
	agent := testInputs(t)
	agent.Agent = true
	more := slices.Concat(render(t, inPlaceInputs(t)).Storage.Files, render(t, agent).Storage.Files)
	for _, f := range more {
		same := func(o ign.File) bool { return o.Path == f.Path }
		if mode := f.Mode; mode != nil && *mode == 0o555 && !slices.ContainsFunc(c.Storage.Files, same) {
			c.Storage.Files = append(c.Storage.Files, f)
		}
	}
	for _, f := range c.Storage.Files {
		content, _ := fileOf(t, c, f.Path)
		if !strings.HasPrefix(content, "#!") {
			continue
		}
		// Variables that others use are the one thing that a sourced script may keep
		// from shellcheck, which sees no use of them in the script itself.
		checked := content
		if strings.Contains(content, "Sourced") {
			checked = strings.ReplaceAll(content, "shellcheck disable=SC2034", "")
		}
		if strings.Contains(checked, "shellcheck disable") {
			t.Errorf("%s switches a check off", f.Path)
		}
		path := filepath.Join(dir, filepath.Base(f.Path))
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		// What others source is checked with them, where its variables have a meaning.
		if !strings.Contains(content, "Sourced") {
			scripts = append(scripts, path)
		}
	}
	if len(scripts) < 16 {
		t.Fatalf("found %d scripts only", len(scripts))
	}
	args := append([]string{"--external-sources", "--check-sourced", "--source-path", dir}, scripts...)
	if out, err := exec.Command("shellcheck", args...).CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}
