package etcd

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

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
