package assets

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// The table of the reference: every file, its subject, life, usage, names and
// signer.
func TestTLSTable(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	const s, c = x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	const services = "kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local openshift openshift.default openshift.default.svc openshift.default.svc.cluster.local"
	rows := []struct {
		file, subject, signer string
		life                  time.Duration
		usage                 []x509.ExtKeyUsage
		dns, ips              string
		chain                 int
	}{
		{"root-ca", "CN=root-ca,OU=openshift", "", 10 * year, nil, "", "", 1},
		{"admin-kubeconfig-signer", "CN=admin-kubeconfig-signer,OU=openshift", "", 10 * year, nil, "", "", 1},
		{"kube-apiserver-lb-signer", "CN=kube-apiserver-lb-signer,OU=openshift", "", 10 * year, nil, "", "", 1},
		{"kube-apiserver-localhost-signer", "CN=kube-apiserver-localhost-signer,OU=openshift", "", 10 * year, nil, "", "", 1},
		{"kube-apiserver-service-network-signer", "CN=kube-apiserver-service-network-signer,OU=openshift", "", 10 * year, nil, "", "", 1},
		{"kube-apiserver-to-kubelet-signer", "CN=kube-apiserver-to-kubelet-signer,OU=openshift", "", year, nil, "", "", 1},
		{"kube-control-plane-signer", "CN=kube-control-plane-signer,OU=openshift", "", year, nil, "", "", 1},
		{"kubelet-bootstrap-kubeconfig-signer", "CN=kubelet-bootstrap-kubeconfig-signer,OU=openshift", "", 10 * year, nil, "", "", 1},
		{"kubelet-signer", "CN=kubelet-signer,OU=openshift", "", day, nil, "", "", 1},
		{"aggregator-ca", "CN=aggregator,OU=bootkube", "", day, nil, "", "", 1},
		{"aggregator-signer", "CN=aggregator-signer,OU=openshift", "", day, nil, "", "", 1},

		{"machine-config-server", "CN=system:machine-config-server", "root-ca", 10 * year, []x509.ExtKeyUsage{s}, "api-int.demo.okd.test", "198.18.0.10", 1},
		{"journal-gatewayd", "CN=journal-gatewayd,O=OpenShift Bootstrap", "root-ca", 10 * year, []x509.ExtKeyUsage{s, c}, "", "", 1},
		{"admin-kubeconfig-client", "CN=system:admin,O=system:masters", "admin-kubeconfig-signer", 10 * year, []x509.ExtKeyUsage{s, c}, "", "", 1},
		{"kube-apiserver-lb-server", "CN=system:kube-apiserver,O=kube-master", "kube-apiserver-lb-signer", day, []x509.ExtKeyUsage{s}, "api.demo.okd.test", "", 2},
		{"kube-apiserver-internal-lb-server", "CN=system:kube-apiserver,O=kube-master", "kube-apiserver-lb-signer", day, []x509.ExtKeyUsage{s}, "api-int.demo.okd.test", "", 2},
		{"kube-apiserver-localhost-server", "CN=system:kube-apiserver,O=kube-master", "kube-apiserver-localhost-signer", day, []x509.ExtKeyUsage{s}, "localhost", "127.0.0.1 ::1", 2},
		{"kube-apiserver-service-network-server", "CN=system:kube-apiserver,O=kube-master", "kube-apiserver-service-network-signer", day, []x509.ExtKeyUsage{s}, services, "198.19.128.1", 2},
		{"kube-apiserver-to-kubelet-client", "CN=system:kube-apiserver,O=kube-master", "kube-apiserver-to-kubelet-signer", year, []x509.ExtKeyUsage{c}, "", "", 1},
		{"kube-control-plane-kube-controller-manager-client", "CN=system:admin,O=system:masters", "kube-control-plane-signer", year, []x509.ExtKeyUsage{c}, "", "", 1},
		{"kube-control-plane-kube-scheduler-client", "CN=system:admin,O=system:masters", "kube-control-plane-signer", year, []x509.ExtKeyUsage{c}, "", "", 1},
		{"kubelet-client", "CN=system:serviceaccount:openshift-machine-config-operator:node-bootstrapper,O=system:serviceaccounts+O=system:serviceaccounts:openshift-machine-config-operator", "kubelet-bootstrap-kubeconfig-signer", 10 * year, []x509.ExtKeyUsage{c}, "", "", 1},
		{"apiserver-proxy", "CN=system:kube-apiserver-proxy,O=kube-master", "aggregator-ca", day, []x509.ExtKeyUsage{c}, "", "", 1},
		{"aggregator-client", "CN=system:kube-apiserver-proxy,O=kube-master", "aggregator-signer", day, []x509.ExtKeyUsage{c}, "", "", 1},
	}
	made := allCerts(t)
	if len(rows) != len(made) {
		t.Errorf("%d rows for %d pairs", len(rows), len(made))
	}
	for _, row := range rows {
		t.Run(row.file, func(t *testing.T) {
			pair, ok := made[row.file]
			if !ok {
				t.Fatal("is not made")
			}
			chain, err := pki.ParseCertificates(pair.Cert)
			if err != nil {
				t.Fatal(err)
			}
			cert := chain[0]
			if got := cert.Subject.String(); !sameSubject(got, row.subject) {
				t.Errorf("subject %s, want %s", got, row.subject)
			}
			if got := cert.NotAfter.Sub(cert.NotBefore); got != row.life {
				t.Errorf("life %s, want %s", got, row.life)
			}
			if cert.IsCA != (row.signer == "") || len(chain) != row.chain {
				t.Errorf("CA %v, chain of %d", cert.IsCA, len(chain))
			}
			if !slices.Equal(cert.ExtKeyUsage, row.usage) {
				t.Errorf("usage %v, want %v", cert.ExtKeyUsage, row.usage)
			}
			if got := strings.Join(cert.DNSNames, " "); got != row.dns {
				t.Errorf("names %s, want %s", got, row.dns)
			}
			if got := strings.Trim(fmt.Sprint(cert.IPAddresses), "[]"); got != row.ips {
				t.Errorf("addresses %s, want %s", got, row.ips)
			}
			if cert.PublicKey == nil || !bytes.HasPrefix(pair.Key, []byte("-----BEGIN RSA PRIVATE KEY-----")) {
				t.Error("the key is not PKCS#1")
			}
			key, err := pki.ParseKey(pair.Key)
			if err != nil || key.N.BitLen() != 2048 || !key.PublicKey.Equal(cert.PublicKey) {
				t.Errorf("the key does not belong to the certificate: %v", err)
			}
			signer := cert
			if row.signer != "" {
				signers, err := pki.ParseCertificates(made[row.signer].Cert)
				if err != nil {
					t.Fatal(err)
				}
				signer = signers[0]
			}
			if err := cert.CheckSignatureFrom(signer); err != nil {
				t.Errorf("not signed by %s: %v", signer.Subject, err)
			}
		})
	}
}

// sameSubject compares names whose organisations may come in any order.
func sameSubject(a, b string) bool {
	split := func(s string) []string {
		parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '+' })
		slices.Sort(parts)
		return parts
	}
	return slices.Equal(split(a), split(b))
}

func allCerts(t *testing.T) map[string]pki.Pair {
	t.Helper()
	i := open(t, warmDir(t), deps())
	var refs []asset.Ref
	for _, p := range pairs {
		refs = append(refs, p)
	}
	r, err := i.run(context.Background(), nil, refs...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]pki.Pair{}
	for _, p := range pairs {
		if pair := asset.Of(r, p); pair.Cert != nil {
			out[strings.TrimPrefix(p.Name(), "tls/")] = pair
		}
	}
	return out
}

func TestBundlesAndHostFiles(t *testing.T) {
	i := open(t, warmDir(t), deps())
	r, err := i.run(context.Background(), nil, TLSFiles, HostKubeconfigs)
	if err != nil {
		t.Fatal(err)
	}
	files := asset.Of(r, TLSFiles)
	tests := map[string]string{
		"admin-kubeconfig-ca-bundle":               "admin-kubeconfig-signer",
		"aggregator-ca-bundle":                     "aggregator-signer",
		"kube-apiserver-lb-ca-bundle":              "kube-apiserver-lb-signer",
		"kube-apiserver-localhost-ca-bundle":       "kube-apiserver-localhost-signer",
		"kube-apiserver-service-network-ca-bundle": "kube-apiserver-service-network-signer",
		"kube-apiserver-to-kubelet-ca-bundle":      "kube-apiserver-to-kubelet-signer",
		"kubelet-bootstrap-kubeconfig-ca-bundle":   "kubelet-bootstrap-kubeconfig-signer",
		"kubelet-client-ca-bundle":                 "kubelet-signer",
		"kubelet-serving-ca-bundle":                "kubelet-signer",
		"kube-control-plane-ca-bundle":             "kube-control-plane-signer kube-apiserver-lb-signer kube-apiserver-localhost-signer kube-apiserver-service-network-signer",
		"kube-apiserver-complete-server-ca-bundle": "kube-apiserver-lb-signer kube-apiserver-localhost-signer kube-apiserver-service-network-signer",
		"kube-apiserver-complete-client-ca-bundle": "admin-kubeconfig-signer kubelet-signer kube-control-plane-signer kube-apiserver-to-kubelet-signer kubelet-bootstrap-kubeconfig-signer",
	}
	for name, want := range tests {
		certs, err := pki.ParseCertificates(files.Data("tls/" + name + ".crt"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, c := range certs {
			got = append(got, c.Subject.CommonName)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s holds %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{
		"tls/root-ca.key", "tls/admin-kubeconfig-signer.key", "tls/admin-kubeconfig-signer.crt", "tls/admin-kubeconfig-client.key",
		"tls/admin-kubeconfig-client.crt", "tls/kubelet-bootstrap-kubeconfig-signer.key", "tls/kubelet-bootstrap-kubeconfig-signer.crt",
	} {
		if _, there := files.Get(name); there {
			t.Errorf("%s reaches the bootstrap host", name)
		}
	}
	for _, name := range []string{"tls/root-ca.crt", "tls/service-account.key", "tls/service-account.pub", "tls/kubelet-signer.key", "tls/machine-config-server.key"} {
		if _, there := files.Get(name); !there {
			t.Errorf("%s is missing", name)
		}
	}
	kubeconfigs := asset.Of(r, HostKubeconfigs)
	for name, server := range map[string]string{
		"auth/kubeconfig": "https://api-int.demo.okd.test:6443", "auth/kubeconfig-kubelet": "https://api-int.demo.okd.test:6443",
		"auth/kubeconfig-loopback": "https://localhost:6443",
	} {
		if !bytes.Contains(kubeconfigs.Data(name), []byte("server: "+server+"\n")) {
			t.Errorf("%s does not lead to %s", name, server)
		}
	}
}
