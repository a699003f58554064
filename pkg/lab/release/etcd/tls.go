package etcd

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

const (
	caLife   = 5 * 365 * 24 * time.Hour
	leafLife = 3 * 365 * 24 * time.Hour
)

// memberHosts are the names that a member's certificates are good for.
func memberHosts(name, ip string) []string {
	return []string{
		"localhost", "127.0.0.1", "::1", name, ip,
		"etcd.kube-system.svc", "etcd.kube-system.svc.cluster.local",
		"etcd.openshift-etcd.svc", "etcd.openshift-etcd.svc.cluster.local",
	}
}

// memberCerts makes the peer, serving and metrics pairs of a member under the
// file names of etcd-all-certs. All carry both usages: a member dials its
// peers with the peer pair, and etcd's gateway dials itself with the serving
// pair.
func memberCerts(ca *certs.Authority, name, ip string, now time.Time) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, kind := range []string{"peer", "serving", "serving-metrics"} {
		p, err := ca.Issue(certs.Request{
			CommonName: "system:etcd-" + kind + ":" + name, Organizations: []string{"system:etcd-" + kind + "s"},
			Hosts: memberHosts(name, ip), Server: true, Client: true, Life: leafLife,
		}, now)
		if err != nil {
			return nil, err
		}
		out["etcd-"+kind+"-"+name+".crt"] = p.CertPEM
		out["etcd-"+kind+"-"+name+".key"] = p.KeyPEM
	}
	return out, nil
}

func issueClient(ca *certs.Authority, now time.Time) (certs.Pair, error) {
	return ca.Issue(certs.Request{
		CommonName: "system:etcd-client", Organizations: []string{"system:etcd-clients"}, Client: true, Life: leafLife,
	}, now)
}

// ensureCerts gives every node its certificates; pairs of nodes that are gone
// are dropped.
func ensureCerts(ctx context.Context, k *kube.Clients, nodes []corev1.Node, now time.Time) error {
	s, err := k.Kube.CoreV1().Secrets(namespace).Get(ctx, signer, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get etcd signer: %w", err)
	}
	ca, err := certs.LoadAuthority(certs.Pair{CertPEM: s.Data[corev1.TLSCertKey], KeyPEM: s.Data[corev1.TLSPrivateKeyKey]})
	if err != nil {
		return fmt.Errorf("load etcd signer: %w", err)
	}
	have := map[string][]byte{}
	if old, err := k.Kube.CoreV1().Secrets(namespace).Get(ctx, allCerts, metav1.GetOptions{}); err == nil {
		have = old.Data
	}
	want := map[string][]byte{}
	for i := range nodes {
		name, ip := nodes[i].Name, staticpod.NodeAddress(&nodes[i])
		if ip == "" {
			continue
		}
		kept := map[string][]byte{}
		for _, kind := range []string{"peer", "serving", "serving-metrics"} {
			crt, key := "etcd-"+kind+"-"+name+".crt", "etcd-"+kind+"-"+name+".key"
			if certs.Fresh(have[crt], memberHosts(name, ip), now) && certs.SignedBy(have[crt], ca.CertPEM) && len(have[key]) > 0 {
				kept[crt], kept[key] = have[crt], have[key]
			}
		}
		if len(kept) != 6 {
			if kept, err = memberCerts(ca, name, ip, now); err != nil {
				return err
			}
		}
		maps.Copy(want, kept)
	}
	_, err = kube.EnsureSecret(ctx, k, kube.Secret(namespace, allCerts, want))
	return err
}
