package controlplane

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/etcd"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// renderAll runs the four renderers on fresh certificates.
func renderAll(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := WriteAssets(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	in := func(s string) string { return filepath.Join(dir, s) }
	addresses := []netip.Addr{netip.MustParseAddr("198.18.0.10"), netip.MustParseAddr("198.18.0.104")}
	err := etcd.Render(etcd.RenderInput{
		OutputDir: in("etcd-bootstrap"), ClusterFile: in("manifests/cluster-config.yaml"),
		NetworkFile: in("manifests/cluster-network-02-config.yml"),
		InfraFile:   in("manifests/cluster-infrastructure-02-config.yml"),
		EtcdImage:   "etcd-image", Addresses: addresses, Now: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etcd-ca-bundle.crt", "etcd-client.crt", "etcd-client.key"} {
		data, err := os.ReadFile(in("etcd-bootstrap/tls/" + name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in("tls/"+name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, run := range map[string]func(RenderInput) error{
		"kube-apiserver-bootstrap":          RenderAPIServer,
		"kube-controller-manager-bootstrap": RenderControllerManager,
		"kube-scheduler-bootstrap":          RenderScheduler,
	} {
		err := run(RenderInput{
			InputDir: in("tls"), OutputDir: in(name), ConfigFile: in(name + "/config"),
			PolicyConfigFile: in(name + "/cpc-config"), NetworkFile: in("manifests/cluster-network-02-config.yml"),
			ManifestsDir: in("manifests"), Image: "hyperkube-image",
			EtcdCA: "etcd-ca-bundle.crt", EtcdURLs: "https://localhost:2379", Addresses: addresses,
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return dir
}

// certificates and keys differ in each run; the rest must not.
var (
	pemText    = regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]+)-----.*?-----END [A-Z ]+-----\s*`)
	base64Text = regexp.MustCompile(`LS0tLS1CRUdJTi[A-Za-z0-9+/=]+`)
)

func TestRenderGolden(t *testing.T) {
	dir := renderAll(t)
	var out strings.Builder
	for _, stage := range []string{
		"etcd-bootstrap", "kube-apiserver-bootstrap", "kube-controller-manager-bootstrap", "kube-scheduler-bootstrap",
	} {
		err := filepath.WalkDir(filepath.Join(dir, stage), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			text := pemText.ReplaceAllString(string(data), "<$1>\n")
			text = base64Text.ReplaceAllString(text, "<pem>")
			out.WriteString("== " + rel + " " + info.Mode().String() + "\n" + text)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "testdata/render.golden", out.String())
}

// TestFilesOfPods checks that every file that a bootstrap pod names is in the
// installer's tls directory (or is the kubeconfig that is put beside it), and
// that no private key is readable by others.
func TestFilesOfPods(t *testing.T) {
	dir := renderAll(t)
	for _, stage := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		data, err := os.ReadFile(filepath.Join(dir, stage+"-bootstrap/bootstrap-manifests", stage+"-pod.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var p corev1.Pod
		if err := yaml.UnmarshalStrict(data, &p); err != nil {
			t.Fatal(err)
		}
		args := strings.Join(p.Spec.Containers[0].Args, "\n")
		for _, path := range regexp.MustCompile(secretsMount+`/[^,"\s]+`).FindAllString(args, -1) {
			name := filepath.Base(path)
			if _, err := os.Stat(filepath.Join(dir, "tls", name)); name != "kubeconfig" && err != nil {
				t.Errorf("%s names %s, which does not exist", stage, name)
			}
		}
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		secret := strings.Contains(string(data), "PRIVATE KEY") || strings.Contains(string(data), "kind: Secret")
		if secret && info.Mode().Perm() != 0o600 {
			t.Errorf("%s holds a secret and has mode %s", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFilesOfMasters checks that what a master's pod names is among the inputs
// of its revision.
func TestFilesOfMasters(t *testing.T) {
	net := testNetwork(t)
	for _, c := range []struct {
		pod        func(string, *clusterconfig.Network) (*corev1.Pod, error)
		configMaps []string
		secrets    []string
	}{
		{masterAPIServer, apiConfigMaps, apiSecrets},
		{masterControllers, kcmConfigMaps, kcmSecrets},
		{masterScheduler, ksConfigMaps, ksSecrets},
	} {
		pod, err := c.pod("i", net)
		if err != nil {
			t.Fatal(err)
		}
		args := strings.Join(pod.Spec.Containers[0].Args, "\n")
		mounted := regexp.MustCompile(resourcesMount + `/(configmaps|secrets)/([^/]+)/`)
		for _, m := range mounted.FindAllStringSubmatch(args, -1) {
			list := c.configMaps
			if m[1] == "secrets" {
				list = c.secrets
			}
			if !slices.Contains(list, m[2]) {
				t.Errorf("%s uses %s %s, which is not part of its revision", pod.Name, m[1], m[2])
			}
		}
	}
}

func TestBoundKeyIsKept(t *testing.T) {
	dir := t.TempDir()
	if err := tlsDir(dir).ensureBoundKey(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(dir, "bound-service-account-signing-key.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := tlsDir(dir).ensureBoundKey(); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(dir, "bound-service-account-signing-key.key"))
	if err != nil || string(first) != string(second) {
		t.Error("the signing key was replaced")
	}
	if err := os.Remove(filepath.Join(dir, "bound-service-account-signing-key.pub")); err != nil {
		t.Fatal(err)
	}
	if err := tlsDir(dir).ensureBoundKey(); err == nil {
		t.Error("a private key without its public one was accepted")
	}
}

func TestAggregatorPairFits(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	write := func(name string, p pki.Pair) {
		t.Helper()
		for ext, data := range map[string][]byte{".crt": p.Cert, ".key": p.Key} {
			if err := os.WriteFile(filepath.Join(dir, name+ext), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := tlsDir(dir).aggregator(); err == nil {
		t.Error("an empty directory gave a pair")
	}
	old, err := certs.NewAuthority(now, pki.Name{Common: "aggregator"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := certs.Issue(old, now, pki.Leaf{
		Name: pki.Name{Common: "system:kube-apiserver-proxy"}, Usage: pki.Client, Life: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	write("aggregator-ca", old)
	write("apiserver-proxy", proxy)
	a, err := tlsDir(dir).aggregator()
	if err != nil || a.client != "apiserver-proxy" || a.ca != "aggregator-ca.crt" {
		t.Errorf("got %+v, %v", a, err)
	}
	// A client certificate of another signer must not win.
	write("aggregator-client", proxy)
	other, err := certs.NewAuthority(now, pki.Name{Common: "aggregator-signer"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	write("aggregator-signer", other)
	if a, err = tlsDir(dir).aggregator(); err != nil || a.client != "apiserver-proxy" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestUnknownFlagIsAnError(t *testing.T) {
	for _, c := range slices.Concat(Commands(), etcd.Commands()[:1]) {
		err := c.Run(t.Context(), []string{"render", "--no-such-flag=1"})
		if err == nil || !strings.Contains(err.Error(), "no-such-flag") {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestArgumentsAreStable(t *testing.T) {
	net := testNetwork(t)
	first, err := masterAPIServer("i", net)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := masterAPIServer("i", net)
		if err != nil || !reflect.DeepEqual(again, first) {
			t.Fatal("the same settings give another manifest, which would be a new revision")
		}
	}
}
