package manifests

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/pki"
)

const (
	userCABundle = "user-ca-bundle"
	bundleKey    = "ca-bundle.crt" // in every ConfigMap of authorities

	owner       = "openshift.io/owning-component"
	description = "openshift.io/description"
	mcoOwner    = "Machine Config Operator"
)

// addTrustBundle adds the authorities that the user wants to be trusted, without any
// text between the certificates.
func addTrustBundle(set *objects.Set, in Inputs) {
	if in.Config.AdditionalTrustBundle == "" {
		return
	}
	var bundle bytes.Buffer
	for rest := []byte(in.Config.AdditionalTrustBundle); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = after
		if err := pem.Encode(&bundle, block); err != nil {
			set.Fail(fmt.Errorf("encode additionalTrustBundle: %w", err))
		}
	}
	if bundle.Len() == 0 {
		set.Fail(errors.New("additionalTrustBundle holds no certificate in PEM form"))
	}
	object := objects.ConfigMap(objects.Config, userCABundle, map[string]string{bundleKey: bundle.String()})
	object.Annotations = map[string]string{owner: "End User"}
	set.Add("user-ca-bundle-config.yaml", object)
}

// addMachineConfigServer adds the certificate of the machine config server and its
// authority. Its operator decides by the annotations when to renew them.
func addMachineConfigServer(set *objects.Set, in Inputs) {
	ca := string(in.RootCA.Cert)
	set.Add("kube-system-configmap-root-ca.yaml",
		objects.ConfigMap(objects.System, "root-ca", map[string]string{"ca.crt": ca}))

	bundle := objects.ConfigMap(objects.MachineConfig, "machine-config-server-ca", map[string]string{bundleKey: ca})
	bundle.Labels = managed("ca-bundle")
	bundle.Annotations = map[string]string{owner: mcoOwner,
		description: "Authorities whose signature on the machine config server's certificate is valid"}
	set.Add("machine-config-server-ca-configmap.yaml", bundle)

	signer, _ := tlsSecret(set, "machine-config-server-ca", "signer",
		"Authority that signs the machine config server's certificate", in.RootCA)
	set.Add("machine-config-server-ca-secret.yaml", signer)
	server, names := tlsSecret(set, "machine-config-server-tls", "target",
		"Certificate and key of the machine config server", in.MachineConfigServer)
	server.Annotations["auth.openshift.io/certificate-hostnames"] = strings.Join(names, ",")
	set.Add("machine-config-server-tls-secret.yaml", server)
}

func managed(kind string) map[string]string {
	return map[string]string{"auth.openshift.io/managed-certificate-type": kind}
}

// tlsSecret is a Secret with a certificate, annotated with who signed it and how
// long it is valid. It also returns the names and addresses in it, sorted.
func tlsSecret(set *objects.Set, name, kind, help string, pair pki.Pair) (corev1.Secret, []string) {
	secret := objects.Secret(objects.MachineConfig, name, corev1.SecretTypeTLS,
		map[string][]byte{corev1.TLSCertKey: pair.Cert, corev1.TLSPrivateKeyKey: pair.Key})
	secret.Labels = managed(kind)
	secret.Annotations = map[string]string{owner: mcoOwner, description: help}
	certs, err := pki.ParseCertificates(pair.Cert)
	if err != nil {
		set.Fail(fmt.Errorf("read a certificate of the machine config server: %w", err))
		return secret, nil
	}
	c := certs[0]
	secret.Annotations["auth.openshift.io/certificate-issuer"] = c.Issuer.CommonName
	secret.Annotations["auth.openshift.io/certificate-not-before"] = c.NotBefore.UTC().Format(time.RFC3339)
	secret.Annotations["auth.openshift.io/certificate-not-after"] = c.NotAfter.UTC().Format(time.RFC3339)
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	slices.Sort(names)
	return secret, names
}
