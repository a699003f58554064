package assets_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/pki"
	metal "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
)

// certificate is a row of the reference's table: what lies in tls/ under which
// name, whose it is, how long it lives, and what it may be used for.
type certificate struct {
	file, subject string
	signer        string // file of the CA, "-" for a certificate that signed itself and nothing else
	life, usage   string // usage of leaves: S server, C client
	dns, ips      string
	chain         bool // the CA's certificate follows
	withheld      bool // from the bootstrap host
}

const services = "kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local " +
	"openshift openshift.default openshift.default.svc openshift.default.svc.cluster.local"

// certificateTable is the table. Names in braces differ from cluster to cluster.
var certificateTable = []certificate{
	{file: "root-ca", subject: "CN=root-ca,OU=openshift", life: "10y"},
	{file: "machine-config-server", subject: "CN=system:machine-config-server", signer: "root-ca", life: "10y", usage: "S",
		dns: "{api-int}", ips: "{vips}"},
	{file: "journal-gatewayd", subject: "CN=journal-gatewayd,O=OpenShift Bootstrap", signer: "root-ca", life: "10y",
		usage: "SC"},
	{file: "admin-kubeconfig-signer", subject: "CN=admin-kubeconfig-signer,OU=openshift", life: "10y", withheld: true},
	{file: "admin-kubeconfig-client", subject: "CN=system:admin,O=system:masters", signer: "admin-kubeconfig-signer",
		life: "10y", usage: "SC", withheld: true},
	{file: "kube-apiserver-lb-signer", subject: "CN=kube-apiserver-lb-signer,OU=openshift", life: "10y"},
	{file: "kube-apiserver-lb-server", subject: "CN=system:kube-apiserver,O=kube-master",
		signer: "kube-apiserver-lb-signer", life: "24h", usage: "S", dns: "{api}", chain: true},
	{file: "kube-apiserver-internal-lb-server", subject: "CN=system:kube-apiserver,O=kube-master",
		signer: "kube-apiserver-lb-signer", life: "24h", usage: "S", dns: "{api-int}", chain: true},
	{file: "kube-apiserver-localhost-signer", subject: "CN=kube-apiserver-localhost-signer,OU=openshift", life: "10y"},
	{file: "kube-apiserver-localhost-server", subject: "CN=system:kube-apiserver,O=kube-master",
		signer: "kube-apiserver-localhost-signer", life: "24h", usage: "S", dns: "localhost", ips: "127.0.0.1 ::1",
		chain: true},
	{file: "kube-apiserver-service-network-signer", subject: "CN=kube-apiserver-service-network-signer,OU=openshift",
		life: "10y"},
	{file: "kube-apiserver-service-network-server", subject: "CN=system:kube-apiserver,O=kube-master",
		signer: "kube-apiserver-service-network-signer", life: "24h", usage: "S", dns: services, ips: "{services}",
		chain: true},
	{file: "kube-apiserver-to-kubelet-signer", subject: "CN=kube-apiserver-to-kubelet-signer,OU=openshift", life: "1y"},
	{file: "kube-apiserver-to-kubelet-client", subject: "CN=system:kube-apiserver,O=kube-master",
		signer: "kube-apiserver-to-kubelet-signer", life: "1y", usage: "C"},
	{file: "kube-control-plane-signer", subject: "CN=kube-control-plane-signer,OU=openshift", life: "1y"},
	{file: "kube-control-plane-kube-controller-manager-client", subject: "CN=system:admin,O=system:masters",
		signer: "kube-control-plane-signer", life: "1y", usage: "C"},
	{file: "kube-control-plane-kube-scheduler-client", subject: "CN=system:admin,O=system:masters",
		signer: "kube-control-plane-signer", life: "1y", usage: "C"},
	{file: "kubelet-bootstrap-kubeconfig-signer", subject: "CN=kubelet-bootstrap-kubeconfig-signer,OU=openshift",
		life: "10y", withheld: true},
	{file: "kubelet-client",
		subject: "CN=system:serviceaccount:openshift-machine-config-operator:node-bootstrapper," +
			"O=system:serviceaccounts,O=system:serviceaccounts:openshift-machine-config-operator",
		signer: "kubelet-bootstrap-kubeconfig-signer", life: "10y", usage: "C"},
	{file: "kubelet-signer", subject: "CN=kubelet-signer,OU=openshift", life: "24h"},
	{file: "aggregator-ca", subject: "CN=aggregator,OU=bootkube", life: "24h"},
	{file: "apiserver-proxy", subject: "CN=system:kube-apiserver-proxy,O=kube-master", signer: "aggregator-ca",
		life: "24h", usage: "C"},
	{file: "aggregator-signer", subject: "CN=aggregator-signer,OU=openshift", life: "24h"},
	{file: "aggregator-client", subject: "CN=system:kube-apiserver-proxy,O=kube-master", signer: "aggregator-signer",
		life: "24h", usage: "C"},
	{file: "ironic/tls", subject: "CN=ironic,OU=openshift", signer: "-", life: "24h", usage: "S", dns: "{api-int}",
		ips: "{ironic}"},
}

// bundleTable is which authorities are in which bundle.
var bundleTable = map[string]string{
	"admin-kubeconfig-ca-bundle":               "admin-kubeconfig-signer",
	"aggregator-ca-bundle":                     "aggregator-signer",
	"kube-apiserver-lb-ca-bundle":              "kube-apiserver-lb-signer",
	"kube-apiserver-localhost-ca-bundle":       "kube-apiserver-localhost-signer",
	"kube-apiserver-service-network-ca-bundle": "kube-apiserver-service-network-signer",
	"kube-apiserver-to-kubelet-ca-bundle":      "kube-apiserver-to-kubelet-signer",
	"kubelet-bootstrap-kubeconfig-ca-bundle":   "kubelet-bootstrap-kubeconfig-signer",
	"kubelet-client-ca-bundle":                 "kubelet-signer",
	"kubelet-serving-ca-bundle":                "kubelet-signer",
	"kube-control-plane-ca-bundle": "kube-control-plane-signer kube-apiserver-lb-signer " +
		"kube-apiserver-localhost-signer kube-apiserver-service-network-signer",
	"kube-apiserver-complete-server-ca-bundle": "kube-apiserver-lb-signer kube-apiserver-localhost-signer " +
		"kube-apiserver-service-network-signer",
	"kube-apiserver-complete-client-ca-bundle": "admin-kubeconfig-signer kubelet-signer kube-control-plane-signer " +
		"kube-apiserver-to-kubelet-signer kubelet-bootstrap-kubeconfig-signer",
}

// clusterNames is what the braces of the table stand for.
type clusterNames struct {
	vips, services, ironic string
	short                  bool // ShortCertRotation
}

var tlsCases = []struct {
	testCase
	clusterNames
}{
	{testCase{ovirt, regular}, clusterNames{vips: "198.18.0.10", services: "198.19.128.1"}},
	{testCase{none, "short-rotation"}, clusterNames{services: "198.19.128.1", short: true}},
	{testCase{baremetal, "dual-stack"},
		clusterNames{vips: "198.18.0.10 fd12::10", services: "198.19.128.1 fd02::1",
			ironic: "198.18.0.10 fd12::10 {bootstrap}"}},
	{testCase{baremetal, "provisioning"},
		clusterNames{vips: "198.18.0.10", services: "198.19.128.1", ironic: "198.18.0.10 172.23.0.2"}},
}

// TestTLS makes everything for some clusters, and compares what the bootstrap
// host gets, and what it does not get, with the tables.
func TestTLS(t *testing.T) {
	for _, tt := range tlsCases {
		t.Run(tt.String(), func(t *testing.T) {
			dir := warmDir(t)
			if err := os.WriteFile(filepath.Join(dir, configFile), tt.source(t), 0o600); err != nil {
				t.Fatal(err)
			}
			i := open(t, dir, deps())
			var refs []asset.Ref
			for _, p := range assets.Pairs {
				refs = append(refs, p)
			}
			r, err := i.Run(context.Background(), nil, append(refs, assets.BootstrapAdmin, assets.BootstrapIgnition)...)
			if err != nil {
				t.Fatal(err)
			}
			made := map[string]pki.Pair{}
			for _, p := range assets.Pairs {
				if pair := asset.Of(r, p); pair.Cert != nil {
					made[strings.TrimPrefix(p.Name(), "tls/")] = pair
				}
			}
			names := tt.clusterNames
			if ip := metal.Of(asset.Of(r, assets.Config).InstallConfig); ip != nil && ip.BootstrapProvisioningIP.IsValid() {
				names.ironic = strings.ReplaceAll(names.ironic, "{bootstrap}", ip.BootstrapProvisioningIP.String())
			}
			names.ironic = strings.TrimSuffix(names.ironic, " {bootstrap}")
			checkCertificates(t, made, names)
			host := onBootstrapHost(t, asset.Of(r, assets.BootstrapIgnition)[0].Data)
			checkHost(t, made, host, names)
			checkBundles(t, made, host)
			checkKubeconfigs(t, made, asset.Of(r, assets.BootstrapAdmin), host)
		})
	}
}

// certificates are the rows that a cluster has.
func (n clusterNames) certificates() []certificate {
	fill := strings.NewReplacer("{api}", "api.demo.okd.test", "{api-int}", "api-int.demo.okd.test",
		"{vips}", n.vips, "{services}", n.services, "{ironic}", n.ironic)
	var out []certificate
	for _, row := range certificateTable {
		if row.file == "ironic/tls" && n.ironic == "" {
			continue
		}
		row.dns, row.ips = fill.Replace(row.dns), fill.Replace(row.ips)
		out = append(out, row)
	}
	return out
}

func (n clusterNames) life(text string) time.Duration {
	lives := map[string]time.Duration{"10y": 10 * 365 * 24 * time.Hour, "1y": 365 * 24 * time.Hour, "24h": 24 * time.Hour}
	if n.short {
		lives["1y"], lives["24h"] = 2*time.Hour, time.Hour
	}
	return lives[text]
}

func checkCertificates(t *testing.T, made map[string]pki.Pair, names clusterNames) {
	t.Helper()
	rows := names.certificates()
	if len(rows) != len(made) {
		t.Errorf("%d certificates were made, the table has %d: %v", len(made), len(rows), slices.Sorted(maps.Keys(made)))
	}
	usages := map[string][]x509.ExtKeyUsage{
		"": nil, "S": {x509.ExtKeyUsageServerAuth}, "C": {x509.ExtKeyUsageClientAuth},
		"SC": {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, row := range rows {
		bad := func(format string, args ...any) { t.Helper(); t.Errorf(row.file+": "+format, args...) }
		pair := made[row.file]
		chain, err := pki.ParseCertificates(pair.Cert)
		if err != nil {
			bad("%v", err)
			continue
		}
		cert, isCA := chain[0], row.signer == ""
		if got := cert.Subject.String(); !sameSubject(got, row.subject) {
			bad("subject %s, want %s", got, row.subject)
		}
		if got := cert.NotAfter.Sub(t0); got != names.life(row.life) {
			bad("lives %s, want %s", got, names.life(row.life))
		}
		usage := x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature
		if isCA {
			usage |= x509.KeyUsageCertSign
		}
		if cert.KeyUsage != usage || !slices.Equal(cert.ExtKeyUsage, usages[row.usage]) || cert.IsCA != isCA ||
			!cert.BasicConstraintsValid {
			bad("may be used for %b %v, CA %v; want %b %v, CA %v", cert.KeyUsage, cert.ExtKeyUsage, cert.IsCA, usage,
				usages[row.usage], isCA)
		}
		if got := strings.Join(cert.DNSNames, " "); got != row.dns {
			bad("names %q, want %q", got, row.dns)
		}
		if got := strings.Trim(fmt.Sprint(cert.IPAddresses), "[]"); got != row.ips {
			bad("addresses %q, want %q", got, row.ips)
		}
		key, err := pki.ParseKey(pair.Key)
		if err != nil || key.N.BitLen() != 2048 || key.E != 65537 || !key.PublicKey.Equal(cert.PublicKey) ||
			!bytes.HasPrefix(pair.Key, []byte("-----BEGIN RSA PRIVATE KEY-----")) {
			bad("the key is not of RSA 2048 in PKCS#1, or another's: %v", err)
		}
		switch {
		case isCA:
			if err := cert.CheckSignatureFrom(cert); err != nil {
				bad("did not sign itself: %v", err)
			}
		case row.signer == "-":
			if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
				bad("did not sign itself: %v", err)
			}
		default:
			ca, err := pki.ParseCertificates(made[row.signer].Cert)
			if err != nil {
				t.Fatal(err)
			}
			if err := cert.CheckSignatureFrom(ca[0]); err != nil || !cert.NotBefore.Equal(ca[0].NotBefore) {
				bad("not signed by %s, or not valid from when that is: %v", row.signer, err)
			}
			if row.chain != (len(chain) == 2 && chain[1].Equal(ca[0])) {
				bad("chain of %d", len(chain))
			}
		}
		if !row.chain && len(chain) != 1 {
			bad("chain of %d", len(chain))
		}
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

// checkHost checks that tls/ of the bootstrap host holds exactly the expected files, and
// that no other file holds a withheld key.
func checkHost(t *testing.T, made map[string]pki.Pair, host map[string]string, names clusterNames) {
	t.Helper()
	want := map[string]bool{"tls/service-account.key": true, "tls/service-account.pub": true}
	for name := range bundleTable {
		want["tls/"+name+".crt"] = true
	}
	for _, row := range names.certificates() {
		if row.withheld {
			continue
		}
		for suffix, data := range map[string][]byte{".crt": made[row.file].Cert, ".key": made[row.file].Key} {
			name := "tls/" + row.file + suffix
			if name == "tls/root-ca.key" {
				continue
			}
			want[name] = true
			if host[name] != string(data) {
				t.Errorf("%s on the host is not what was made", name)
			}
		}
	}
	for name := range host {
		if strings.HasPrefix(name, "tls/") && !want[name] {
			t.Errorf("%s must not be on the host", name)
		}
	}
	for name := range want {
		if host[name] == "" {
			t.Errorf("%s is missing on the host", name)
		}
	}
	// TestPrivateKeysOnTheHost checks where each private key is.
}

func checkBundles(t *testing.T, made map[string]pki.Pair, host map[string]string) {
	t.Helper()
	for name, members := range bundleTable {
		var want []byte
		for _, member := range strings.Fields(members) {
			want = append(want, made[member].Cert...)
		}
		if host["tls/"+name+".crt"] != string(want) {
			t.Errorf("%s does not hold %s", name, members)
		}
	}
	// What a client has to believe of a server, as Go's own verifier sees it.
	for _, v := range []struct{ leaf, bundle, name string }{
		{"kube-apiserver-lb-server", "kube-apiserver-complete-server-ca-bundle", "api.demo.okd.test"},
		{"kube-apiserver-internal-lb-server", "kube-control-plane-ca-bundle", "api-int.demo.okd.test"},
		{"kube-apiserver-localhost-server", "kube-apiserver-localhost-ca-bundle", "127.0.0.1"},
		{"kube-apiserver-service-network-server", "kube-apiserver-complete-server-ca-bundle", "kubernetes.default.svc"},
		{"kube-apiserver-to-kubelet-client", "kube-apiserver-to-kubelet-ca-bundle", ""},
		{"admin-kubeconfig-client", "kube-apiserver-complete-client-ca-bundle", ""},
		{"kubelet-client", "kube-apiserver-complete-client-ca-bundle", ""},
		{"kube-control-plane-kube-scheduler-client", "kube-apiserver-complete-client-ca-bundle", ""},
		{"aggregator-client", "aggregator-ca-bundle", ""},
	} {
		certs, err := pki.ParseCertificates(made[v.leaf].Cert)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(host["tls/"+v.bundle+".crt"]))
		_, err = certs[0].Verify(x509.VerifyOptions{DNSName: v.name, Roots: roots, CurrentTime: t0.Add(time.Minute),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if err != nil {
			t.Errorf("%s is not believed by who trusts %s: %v", v.leaf, v.bundle, err)
		}
	}
}

func checkKubeconfigs(t *testing.T, made map[string]pki.Pair, admin pki.Pair, host map[string]string) {
	t.Helper()
	base64Of := base64.StdEncoding.EncodeToString
	for name, want := range map[string][]string{
		"auth/kubeconfig": {"https://api-int.demo.okd.test:6443", base64Of(admin.Cert),
			base64Of([]byte(host["tls/kube-apiserver-complete-server-ca-bundle.crt"]))},
		"auth/kubeconfig-kubelet": {"https://api-int.demo.okd.test:6443", base64Of(made["kubelet-client"].Cert),
			base64Of([]byte(host["tls/kube-apiserver-complete-server-ca-bundle.crt"]))},
		"auth/kubeconfig-loopback": {"https://localhost:6443", base64Of(admin.Cert),
			base64Of([]byte(host["tls/kube-apiserver-localhost-ca-bundle.crt"]))},
	} {
		for _, part := range want {
			if !strings.Contains(host[name], part) {
				t.Errorf("%s lacks %.60s", name, part)
			}
		}
	}
	if host["auth/kubeadmin-password"] != "" {
		t.Error("the password is on the host")
	}
}
