package etcd

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// RenderInput is what `cluster-etcd-operator render` works on.
type RenderInput struct {
	OutputDir   string
	ClusterFile string // ConfigMap kube-system/cluster-config-v1
	NetworkFile string
	InfraFile   string
	EtcdImage   string
	Addresses   []netip.Addr // of this host
	Now         time.Time
}

// Render writes the bootstrap member's static pod and certificates, and the
// objects that the operator goes on with.
func Render(in RenderInput) error {
	for _, f := range []struct{ flag, path string }{{"--network-config-file", in.NetworkFile}, {"--infra-config-file", in.InfraFile}} {
		if _, err := os.Stat(f.path); err != nil {
			return fmt.Errorf("read %s: %w", f.flag, err)
		}
	}
	if _, err := clusterconfig.ReadNetwork(in.NetworkFile); err != nil {
		return err
	}
	cluster, err := clusterconfig.ReadCluster(in.ClusterFile)
	if err != nil {
		return err
	}
	addr, err := cluster.BootstrapAddress(in.Addresses)
	if err != nil {
		return err
	}
	ca, err := certs.NewAuthority(signer, in.Now, caLife)
	if err != nil {
		return err
	}
	out := rendered{kube.Files{}}
	client, err := out.tls(ca, addr.String(), in.Now)
	if err != nil {
		return err
	}
	pod, err := kube.YAML(bootstrapPod(in.EtcdImage, addr.String()))
	if err != nil {
		return err
	}
	out.Files["etc-kubernetes/manifests/etcd-member-pod.yaml"] = pod
	if err := out.manifests(ca, client, addr.String()); err != nil {
		return err
	}
	return out.Write(in.OutputDir)
}

// rendered are the files of the bootstrap member.
type rendered struct{ kube.Files }

func (f rendered) tls(ca *certs.Authority, ip string, now time.Time) (certs.Pair, error) {
	member, err := memberCerts(ca, BootstrapMember, ip, now)
	if err != nil {
		return certs.Pair{}, err
	}
	dir := "etc-kubernetes/static-pod-resources/etcd-member/"
	f.Files[dir+"ca.crt"] = ca.CertPEM
	for name, data := range member {
		f.Files[dir+strings.Replace(name, "-"+BootstrapMember, "", 1)] = data
	}
	client, err := issueClient(ca, now)
	if err != nil {
		return certs.Pair{}, err
	}
	f.Files["tls/etcd-ca-bundle.crt"] = ca.CertPEM
	f.Files["tls/etcd-client.crt"], f.Files["tls/etcd-client.key"] = client.CertPEM, client.KeyPEM
	return client, nil
}

func (f rendered) manifests(ca *certs.Authority, client certs.Pair, ip string) error {
	endpoints := kube.ConfigMap(namespace, Endpoints, map[string]string{})
	endpoints.Annotations = map[string]string{BootstrapAnnotation: ip}
	bundleData := map[string]string{bundleKey: string(ca.CertPEM)}
	return f.Add("manifests", map[string]any{
		"00_openshift-etcd-ns.yaml":          kube.Namespace(namespace),
		"00_openshift-etcd-operator-ns.yaml": kube.Namespace(operatorNamespace),
		"00_etcd-endpoints-cm.yaml":          endpoints,
		"etcd-signer-secret.yaml":            kube.TLSSecret(namespace, signer, ca.CertPEM, ca.KeyPEM),
		"etcd-client-secret.yaml":            kube.TLSSecret(namespace, clientCert, client.CertPEM, client.KeyPEM),
		"etcd-config-client-secret.yaml":     kube.TLSSecret("openshift-config", clientCert, client.CertPEM, client.KeyPEM),
		"etcd-ca-bundle-cm.yaml":             kube.ConfigMap(namespace, bundle, bundleData),
		"etcd-config-ca-bundle-cm.yaml":      kube.ConfigMap("openshift-config", bundle, bundleData),
		"etcd-operator-cr.yaml":              kube.OperatorResource("Etcd"),
	})
}
