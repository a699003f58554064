package etcd

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
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

// Render writes the bootstrap member's pod and certificates, and the objects that
// the operator goes on with.
func Render(in RenderInput) error {
	if _, err := os.Stat(in.InfraFile); err != nil {
		return fmt.Errorf("read --infra-config-file: %w", err)
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
	ca, err := certs.NewAuthority(in.Now, pki.Name{Common: signer, Unit: "openshift"}, caLife)
	if err != nil {
		return err
	}
	client, err := issueClient(ca, in.Now)
	if err != nil {
		return err
	}
	member, err := memberCerts(ca, BootstrapMember, addr.String(), in.Now)
	if err != nil {
		return err
	}
	dir := "etc-kubernetes/static-pod-resources/etcd-member/"
	out := api.Files{
		dir + "ca.crt":           ca.Cert,
		"tls/etcd-ca-bundle.crt": ca.Cert,
		"tls/etcd-client.crt":    client.Cert, "tls/etcd-client.key": client.Key,
	}
	for name, data := range member {
		out[dir+strings.Replace(name, "-"+BootstrapMember, "", 1)] = data
	}
	pod, err := bootstrapPod(in.EtcdImage, addr.String())
	if err == nil {
		err = out.Add("etc-kubernetes/manifests", map[string]any{"etcd-member-pod.yaml": pod})
	}
	if err == nil {
		err = out.Add("manifests", manifests(ca, client, addr.String()))
	}
	if err == nil {
		err = out.Write(in.OutputDir)
	}
	return err
}

func manifests(ca, client pki.Pair, ip string) map[string]any {
	endpoints := api.ConfigMap(namespace, Endpoints, map[string]string{})
	endpoints.Annotations = map[string]string{BootstrapAnnotation: ip}
	bundleData := map[string]string{bundleKey: string(ca.Cert)}
	return map[string]any{
		"00_openshift-etcd-ns.yaml":          api.Namespace(namespace),
		"00_openshift-etcd-operator-ns.yaml": api.Namespace(namespace + "-operator"),
		"00_etcd-endpoints-cm.yaml":          endpoints,
		"etcd-signer-secret.yaml":            api.TLSSecret(namespace, signer, ca.Cert, ca.Key),
		"etcd-client-secret.yaml":            api.TLSSecret(namespace, clientCert, client.Cert, client.Key),
		"etcd-config-client-secret.yaml":     api.TLSSecret("openshift-config", clientCert, client.Cert, client.Key),
		"etcd-ca-bundle-cm.yaml":             api.ConfigMap(namespace, bundle, bundleData),
		"etcd-config-ca-bundle-cm.yaml":      api.ConfigMap("openshift-config", bundle, bundleData),
		"etcd-operator-cr.yaml":              api.OperatorResource("Etcd"),
	}
}
