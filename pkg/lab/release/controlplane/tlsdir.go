package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

// tlsDir is the installer's tls directory.
type tlsDir string

// reader collects files and remembers all that are missing.
type reader struct {
	dir  tlsDir
	errs []error
}

func (r *reader) file(name string) []byte {
	data, err := os.ReadFile(filepath.Join(string(r.dir), name))
	if err != nil {
		r.errs = append(r.errs, err)
	}
	return data
}

func (r *reader) pair(name string) pki.Pair {
	return pki.Pair{Cert: r.file(name + ".crt"), Key: r.file(name + ".key")}
}

// kubeconfig is a master's: the node's own API server, with files of the revision.
func (r *reader) kubeconfig(clientSecret string) map[string]string {
	server := clientcmdapi.Cluster{
		Server: "https://localhost:6443", CertificateAuthority: configMapFile("serviceaccount-ca", bundleKey),
	}
	out, err := api.Kubeconfig(server, "client", clientcmdapi.AuthInfo{
		ClientCertificate: secretFile(clientSecret, "tls.crt"), ClientKey: secretFile(clientSecret, "tls.key"),
	})
	if err != nil {
		r.errs = append(r.errs, err)
	}
	return map[string]string{"kubeconfig": string(out)}
}

func (r *reader) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	return fmt.Errorf("read TLS assets: %w", errors.Join(r.errs...))
}

func (d tlsDir) has(name string) bool {
	_, err := os.Stat(filepath.Join(string(d), name))
	return err == nil
}

// firstOf is the first file that exists, else the first name for the error.
func (d tlsDir) firstOf(names ...string) string {
	for _, n := range names {
		if d.has(n) {
			return n
		}
	}
	return names[0]
}

// aggregator is client certificate (without suffix) and CA file, with which the
// API server introduces users to extension servers.
type aggregator struct{ client, ca string }

// aggregator picks a pair that fits together; installers ship two generations.
func (d tlsDir) aggregator() (aggregator, error) {
	for _, a := range []aggregator{
		{"aggregator-client", "aggregator-signer.crt"}, {"aggregator-client", "aggregator-ca-bundle.crt"},
		{"apiserver-proxy", "aggregator-ca.crt"}, {"apiserver-proxy", "aggregator-ca-bundle.crt"},
		{"apiserver-proxy", "aggregator-signer.crt"},
	} {
		cert, err := os.ReadFile(filepath.Join(string(d), a.client+".crt"))
		ca, errCA := os.ReadFile(filepath.Join(string(d), a.ca))
		if err == nil && errCA == nil && d.has(a.client+".key") && certs.SignedBy(cert, ca) {
			return a, nil
		}
	}
	return aggregator{}, fmt.Errorf("find aggregator certificates in %s: "+
		"neither aggregator-client nor apiserver-proxy comes with its CA", d)
}

// ensureBoundKey makes the key that signs bound tokens unless the user supplied one.
func (d tlsDir) ensureBoundKey() error {
	name := filepath.Join(string(d), "bound-service-account-signing-key")
	_, err := os.Stat(name + ".key")
	if err == nil {
		if _, err := os.Stat(name + ".pub"); err != nil {
			return fmt.Errorf("find %s.pub beside its key: %w", filepath.Base(name), err)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for %s.key: %w", filepath.Base(name), err)
	}
	key, err := pki.NewKey()
	if err != nil {
		return err
	}
	public, err := pki.EncodePublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	// The private key last: its presence says that the pair is complete.
	if err = os.WriteFile(name+".pub", public, 0o644); err == nil {
		err = os.WriteFile(name+".key", pki.EncodeKey(key), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write service account signing key: %w", err)
	}
	return nil
}
