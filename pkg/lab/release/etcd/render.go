package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
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
	Marker      string       // file, see DelayedMarker
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
	delayed, err := in.delays(cluster)
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
		err = out.Add("manifests", manifests(ca, client, addr.String(), delayed))
	}
	if err == nil {
		err = out.Write(in.OutputDir)
	}
	return err
}

// delays reports whether this host becomes a node when it has handed over.
func (in RenderInput) delays(cluster *clusterconfig.Cluster) (bool, error) {
	if cluster.InPlace {
		return false, nil
	}
	_, err := os.Stat(in.Marker)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look for the mark of a delayed hand-over: %w", err)
	}
	return err == nil, nil
}

func manifests(ca, client pki.Pair, ip string, delayed bool) map[string]any {
	ns := api.Namespace(namespace)
	if delayed {
		ns.Annotations = map[string]string{DelayedAnnotation: ""}
	}
	endpoints := api.ConfigMap(namespace, Endpoints, map[string]string{})
	endpoints.Annotations = map[string]string{BootstrapAnnotation: ip}
	bundleData := map[string]string{bundleKey: string(ca.Cert)}
	return map[string]any{
		"00_openshift-etcd-ns.yaml":          ns,
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

const (
	caLife   = 5 * pki.Year
	leafLife = 3 * pki.Year
)

// pairKinds are the pairs of certificate and key that a member has.
var pairKinds = []string{"peer", "serving", "serving-metrics"}

// memberHosts are the names that a member's certificates are good for.
func memberHosts(name, ip string) []string {
	return []string{
		"localhost", "127.0.0.1", "::1", name, ip,
		"etcd.kube-system.svc", "etcd.kube-system.svc.cluster.local",
		"etcd.openshift-etcd.svc", "etcd.openshift-etcd.svc.cluster.local",
	}
}

// memberCerts makes a member's pairs under the file names of etcd-all-certs. All
// carry both usages: a member dials its peers with the peer pair, and etcd's
// gateway dials itself with the serving pair.
func memberCerts(ca pki.Pair, name, ip string, now time.Time) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, kind := range pairKinds {
		role := "system:etcd-" + kind
		subject := pki.Name{Common: role + ":" + name, Organization: []string{role + "s"}}
		leaf := pki.Leaf{Name: subject, Usage: pki.Server | pki.Client, Life: leafLife}
		p, err := certs.Issue(ca, now, leaf, memberHosts(name, ip)...)
		if err != nil {
			return nil, err
		}
		out["etcd-"+kind+"-"+name+".crt"], out["etcd-"+kind+"-"+name+".key"] = p.Cert, p.Key
	}
	return out, nil
}

func issueClient(ca pki.Pair, now time.Time) (pki.Pair, error) {
	subject := pki.Name{Common: "system:etcd-client", Organization: []string{"system:etcd-clients"}}
	return certs.Issue(ca, now, pki.Leaf{Name: subject, Usage: pki.Client, Life: leafLife})
}

// ensureCerts gives every node its certificates and drops those of nodes gone.
func ensureCerts(ctx context.Context, c *api.Client, nodes []corev1.Node, now time.Time) error {
	var s, have corev1.Secret
	if err := c.Get(ctx, kube.Secrets.Ref(namespace, signer), &s); err != nil {
		return fmt.Errorf("get etcd signer: %w", err)
	}
	ca := pki.Pair{Cert: s.Data[corev1.TLSCertKey], Key: s.Data[corev1.TLSPrivateKeyKey]}
	if err := c.Get(ctx, kube.Secrets.Ref(namespace, allCerts), &have); err != nil && !kube.NotFound(err) {
		return err
	}
	want := map[string][]byte{}
	for i := range nodes {
		name, ip := nodes[i].Name, api.NodeAddress(&nodes[i])
		if ip == "" {
			continue
		}
		kept := map[string][]byte{}
		for _, kind := range pairKinds {
			crt, key := "etcd-"+kind+"-"+name+".crt", "etcd-"+kind+"-"+name+".key"
			cert := have.Data[crt]
			good := certs.Fresh(cert, memberHosts(name, ip), now) && certs.SignedBy(cert, ca.Cert)
			if good && len(have.Data[key]) > 0 {
				kept[crt], kept[key] = cert, have.Data[key]
			}
		}
		if len(kept) != 2*len(pairKinds) {
			var err error
			if kept, err = memberCerts(ca, name, ip, now); err != nil {
				return err
			}
		}
		maps.Copy(want, kept)
	}
	return c.EnsureSecret(ctx, api.Secret(namespace, allCerts, want))
}
