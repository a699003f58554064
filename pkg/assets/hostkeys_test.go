package assets_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	ign "github.com/coreos/ignition/v2/config/v3_2"
	"github.com/vincent-petithory/dataurl"
	"golang.org/x/crypto/ssh"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/pki"
)

// onTheHost has, for every key pair of an installation, the places of its private half
// on the bootstrap host. The files below /opt/openshift
// are named without it; "nowhere" is for those that stay with the installer.
var onTheHost = map[string]string{
	"tls/root-ca":                             "manifests/machine-config-server-ca-secret.yaml",
	"tls/admin-kubeconfig-signer":             "nowhere",
	"tls/admin-kubeconfig-client":             "nowhere",
	"tls/kubelet-bootstrap-kubeconfig-signer": "nowhere",
	"tls/bootstrap-admin-client":              "auth/kubeconfig auth/kubeconfig-loopback",
	"tls/kubelet-client":                      "auth/kubeconfig-kubelet tls/kubelet-client.key",
	"tls/machine-config-server": "manifests/machine-config-server-tls-secret.yaml " +
		"tls/machine-config-server.key",
	"tls/service-account": "tls/service-account.key",
	"ssh/host":            "/etc/ssh/ssh_host_ed25519_key",
	"ssh/user":            "nowhere",
}

// TestPrivateKeysOnTheHost decodes a bootstrap.ign that was made with real keys
// and looks into every file, and into what is encoded in it, for private keys.
func TestPrivateKeysOnTheHost(t *testing.T) {
	for _, tt := range []testCase{{ovirt, regular}, {baremetal, "dual-stack"}} {
		t.Run(tt.String(), func(t *testing.T) {
			dir := warmDir(t)
			if err := os.WriteFile(filepath.Join(dir, configFile), tt.source(t), 0o600); err != nil {
				t.Fatal(err)
			}
			refs := []asset.Ref{assets.BootstrapIgnition, assets.BootstrapAdmin, assets.ServiceAccountKey, assets.SSHKeys,
				assets.Kubeadmin}
			for _, p := range assets.Pairs {
				refs = append(refs, p)
			}
			r, err := open(t, dir, deps()).Run(context.Background(), nil, refs...)
			if err != nil {
				t.Fatal(err)
			}
			made := map[string][]byte{ // private keys in PEM
				"tls/service-account": asset.Of(r, assets.ServiceAccountKey).Key,
				"ssh/host":            asset.Of(r, assets.SSHKeys).Host.PrivatePEM,
				"ssh/user":            asset.Of(r, assets.SSHKeys).User.PrivatePEM,
			}
			for _, p := range append(slices.Clone(assets.Pairs), assets.BootstrapAdmin) {
				if pair := asset.Of(r, p); pair.Cert != nil {
					made[p.Name()] = pair.Key
				}
			}
			names := map[string]string{} // by fingerprint
			for name, text := range made {
				names[fingerprints(t, text)[0]] = name
			}
			files := ignitionFiles(t, asset.Of(r, assets.BootstrapIgnition)[0].Data)
			found := map[string][]string{}
			for path, content := range files {
				for _, print := range fingerprints(t, content) {
					name := names[print]
					if name == "" {
						t.Errorf("%s holds an unknown private key", path)
					}
					found[name] = append(found[name], strings.TrimPrefix(path, "/opt/openshift/"))
				}
				if strings.Contains(string(content), asset.Of(r, assets.Kubeadmin).Password) {
					t.Errorf("%s holds the password of kubeadmin", path)
				}
			}
			for name := range made {
				want := onTheHost[name]
				if want == "" {
					want = name + ".key"
				}
				at := found[name]
				slices.Sort(at)
				if got := strings.Join(slices.Compact(at), " "); got != strings.TrimPrefix(want, "nowhere") {
					t.Errorf("the private key of %s is at %q, may be at %q", name, got, want)
				}
			}
			checkHostLogin(t, r, files)
		})
	}
}

// checkHostLogin checks that the host's kubeconfigs log in as administrator, and for a
// day only.
func checkHostLogin(t *testing.T, r *asset.Result, files map[string][]byte) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(files["/opt/openshift/tls/kube-apiserver-complete-client-ca-bundle.crt"])
	for _, name := range []string{"auth/kubeconfig", "auth/kubeconfig-loopback"} {
		cfg, err := clientcmd.RESTConfigFromKubeConfig(files["/opt/openshift/"+name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		chain, err := pki.ParseCertificates(cfg.CertData)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cert := chain[0]
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: t0.Add(time.Minute),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if err != nil || !slices.Equal(cert.Subject.Organization, []string{"system:masters"}) {
			t.Errorf("%s does not log in as administrator: %v, %s", name, err, cert.Subject)
		}
		if left := cert.NotAfter.Sub(t0); left <= 0 || left > pki.Day {
			t.Errorf("%s is of use for %s", name, left)
		}
		if bytes.Equal(cfg.CertData, asset.Of(r, assets.AdminClient).Cert) {
			t.Errorf("%s has the administrator's own certificate", name)
		}
	}
}

func ignitionFiles(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	c, _, err := ign.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range c.Storage.Files {
		if f.Contents.Source == nil {
			continue
		}
		u, err := dataurl.DecodeString(*f.Contents.Source)
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		out[f.Path] = u.Data
	}
	rest := c
	rest.Storage.Files = nil
	if out["(the rest of bootstrap.ign)"], err = json.Marshal(rest); err != nil {
		t.Fatal(err)
	}
	return out
}

// encoded is base64 or a data URL inside of a file.
var encoded = regexp.MustCompile(`[A-Za-z0-9+/]{64,}={0,2}`)

// fingerprints are those of all private keys in a text, also in what is encoded
// in it, sorted.
func fingerprints(t *testing.T, text []byte) []string {
	t.Helper()
	out := map[string]bool{}
	search(t, text, 3, out)
	return slices.Sorted(maps.Keys(out))
}

func search(t *testing.T, text []byte, depth int, out map[string]bool) {
	t.Helper()
	// A key in YAML is indented, one in JSON has its newlines written out.
	var plain bytes.Buffer
	for line := range bytes.Lines(bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))) {
		plain.Write(append(bytes.TrimSpace(line), '\n'))
	}
	rest := plain.Bytes()
	for {
		at := bytes.Index(rest, []byte("-----BEGIN "))
		if at < 0 {
			break
		}
		block, after := pem.Decode(rest[at:])
		if block == nil {
			rest = rest[at+1:]
			continue
		}
		rest = after
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			out[fingerprint(t, pem.EncodeToMemory(block))] = true
		}
	}
	if depth == 0 {
		return
	}
	for _, word := range encoded.FindAll(text, -1) {
		if raw, err := base64.StdEncoding.DecodeString(string(word)); err == nil {
			search(t, raw, depth-1, out)
		}
	}
}

func fingerprint(t *testing.T, text []byte) string {
	t.Helper()
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatalf("a private key that cannot be read: %v", err)
	}
	var public any
	switch k := key.(type) {
	case *rsa.PrivateKey:
		public = &k.PublicKey
	case *ed25519.PrivateKey:
		public = k.Public()
	default:
		t.Fatalf("a private key of type %T", key)
	}
	raw, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return string(sum[:])
}
