package assets_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/pki"
)

// put writes a file of the user into the asset directory.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func putPair(t *testing.T, dir, name string, p pki.Pair) {
	t.Helper()
	put(t, dir, "tls/"+name+".crt", p.Cert)
	put(t, dir, "tls/"+name+".key", p.Key)
}

func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

var loadableNames = []string{
	"admin-kubeconfig-signer", "kube-apiserver-lb-signer", "kube-apiserver-localhost-signer",
	"kube-apiserver-service-network-signer",
}

// ownCA makes an authority of the user.
func ownCA(t *testing.T) pki.Pair {
	t.Helper()
	ca, err := pki.NewAuthority(t0.Add(-100*pki.Day), pki.Name{Common: "own"}, pki.Year)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func ownClient(t *testing.T, ca pki.Pair) pki.Pair {
	t.Helper()
	client, err := ca.Issue(t0.Add(-100*pki.Day), pki.Leaf{Name: assets.Admin, Life: pki.Year, Usage: pki.Client})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestLoadClusterCerts(t *testing.T) {
	dir := warmDir(t)
	ca := ownCA(t)
	client := ownClient(t, ca)
	for _, name := range loadableNames {
		putPair(t, dir, name, ca)
	}
	putPair(t, dir, "admin-kubeconfig-client", client)

	kubeconfig := func(load bool) []byte {
		d := deps()
		d.LoadCerts = load
		i := open(t, dir, d)
		defer func() { _ = i.Close() }()
		r, err := i.Run(context.Background(), []asset.Ref{assets.AdminKubeconfig}, assets.LBServer, assets.LocalhostServer)
		if err != nil {
			t.Fatal(err)
		}
		if load {
			for _, p := range []pki.Pair{asset.Of(r, assets.LBServer), asset.Of(r, assets.LocalhostServer)} {
				chain, err := pki.ParseCertificates(p.Cert)
				if err != nil || len(chain) != 2 || chain[1].Subject.CommonName != "own" ||
					!chain[0].NotAfter.Equal(t0.Add(pki.Day)) {
					t.Errorf("leaf of the user's authority: %v, %v", p, err)
				}
			}
		}
		return asset.Of(r, assets.AdminKubeconfig)[0].Data
	}
	if before := kubeconfig(false); strings.Contains(string(before), encode(client.Cert)) {
		t.Fatal("certificates were loaded although that was not requested")
	}
	loaded := kubeconfig(true)
	if !strings.Contains(string(loaded), encode(client.Cert)) || !strings.Contains(string(loaded), encode(ca.Cert)) {
		t.Error("the kubeconfig lacks the certificate that was loaded")
	}
	// The next command of the same installation needs neither the flag nor the
	// files.
	if err := os.RemoveAll(filepath.Join(dir, "tls")); err != nil {
		t.Fatal(err)
	}
	if again := kubeconfig(false); !bytes.Equal(again, loaded) {
		t.Error("a later command forgot what was loaded")
	}
}

func TestLoadClusterCertsRefuses(t *testing.T) {
	ca, other := ownCA(t), ownCA(t)
	expired, err := pki.NewAuthority(t0.Add(-2*pki.Day), pki.Name{Common: "old"}, pki.Day)
	if err != nil {
		t.Fatal(err)
	}
	client := ownClient(t, ca)
	tests := []struct {
		name, file string
		pair       pki.Pair
		saying     string
	}{
		{
			"a CA without its key", "kube-apiserver-lb-signer", pki.Pair{Cert: ca.Cert},
			"tls/kube-apiserver-lb-signer.crt is there, but its key tls/kube-apiserver-lb-signer.key is not",
		},
		{
			"a key alone", "kube-apiserver-lb-signer", pki.Pair{Key: ca.Key},
			"tls/kube-apiserver-lb-signer.key is there, but its certificate",
		},
		{
			"the key of another", "kube-apiserver-localhost-signer", pki.Pair{Cert: ca.Cert, Key: other.Key},
			"the key does not belong to the certificate",
		},
		{
			"an expired CA", "kube-apiserver-service-network-signer", expired,
			`load tls/kube-apiserver-service-network-signer.crt: the certificate "CN=old" expired at`,
		},
		{"a client as CA", "admin-kubeconfig-signer", client, "is not a CA"},
		{
			"a client of another CA", "admin-kubeconfig-client", client,
			`was not signed by "CN=admin-kubeconfig-signer,OU=openshift"`,
		},
		{"text", "admin-kubeconfig-signer", pki.Pair{Cert: []byte("x"), Key: []byte("y")}, "no PEM block"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := warmDir(t)
			for suffix, data := range map[string][]byte{".crt": tt.pair.Cert, ".key": tt.pair.Key} {
				if data != nil {
					put(t, dir, "tls/"+tt.file+suffix, data)
				}
			}
			d := deps()
			d.LoadCerts = true
			_, err := open(t, dir, d).Run(context.Background(), nil, assets.TLSFiles, assets.AdminClient)
			if err == nil || !strings.Contains(err.Error(), tt.saying) {
				t.Errorf("error %v, should say %q", err, tt.saying)
			}
		})
	}
}

func TestGivenPassword(t *testing.T) {
	const password = "Correct-Horse-Battery-9"
	hashed, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hash := string(hashed) + "\n"
	tests := []struct {
		name        string
		clear, hash string
		want        string // password on disk
		saying      string
	}{
		{"in clear, with a newline", password + "\n", "", password, ""},
		{"the hash alone", "", hash, "", ""},
		{"both", password, hash, password, ""},
		{
			"two that differ", "another", hash, "",
			"it is not the hash of the password in tls/kubeadmin-password; remove one of the files",
		},
		{"no hash", "", "hello", "", "load tls/kubeadmin-password.hash: not a bcrypt hash"},
		{"nothing but a newline", "\n", "", "", "a password has 1 to 72 bytes, this one has 0"},
		{"more than bcrypt reads", strings.Repeat("x", 73), "", "", "this one has 73"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := warmDir(t)
			for name, text := range map[string]string{
				"tls/kubeadmin-password": tt.clear, "tls/kubeadmin-password.hash": tt.hash,
			} {
				if text != "" {
					put(t, dir, name, []byte(text))
				}
			}
			r, err := open(t, dir, deps()).Run(context.Background(), []asset.Ref{assets.PasswordFile}, assets.Kubeadmin)
			if tt.saying != "" {
				if err == nil || !strings.Contains(err.Error(), tt.saying) ||
					strings.Contains(err.Error(), tt.clear) && len(tt.clear) > 1 {
					t.Errorf("error %v, should say %q", err, tt.saying)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			onDisk, err := os.ReadFile(filepath.Join(dir, passwordFile))
			if err != nil || string(onDisk) != tt.want {
				t.Errorf("auth/kubeadmin-password holds %d bytes: %v", len(onDisk), err)
			}
			if err := bcrypt.CompareHashAndPassword([]byte(asset.Of(r, assets.Kubeadmin).Hash), []byte(password)); err != nil {
				t.Error(err)
			}
		})
	}
}

const boundKey = "tls/bound-service-account-signing-key.key"

func TestGivenBoundKey(t *testing.T) {
	dir := warmDir(t)
	key := ownCA(t).Key
	put(t, dir, boundKey, key)
	i := open(t, dir, deps())
	r, err := i.Run(context.Background(), nil, assets.TLSFiles)
	if err != nil {
		t.Fatal(err)
	}
	files := asset.Of(r, assets.TLSFiles)
	public := files.Data("tls/bound-service-account-signing-key.pub")
	if !bytes.Equal(files.Data(boundKey), key) || !bytes.HasPrefix(public, []byte("-----BEGIN PUBLIC KEY-----")) {
		t.Errorf("tls/ on the bootstrap host: %v", files.Paths())
	}
	put(t, dir, boundKey, []byte("not a key"))
	const want = "load " + boundKey + ": parse private key: no PEM block"
	if _, err := i.Run(context.Background(), nil, assets.TLSFiles); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
}
