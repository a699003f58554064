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

// addTrustBundle adds the authorities that the user wants to be trusted. What
// stands between the certificates is left out.
func addTrustBundle(set *objects.Set, in Inputs) error {
	if in.Config.AdditionalTrustBundle == "" {
		return nil
	}
	var bundle bytes.Buffer
	for rest := []byte(in.Config.AdditionalTrustBundle); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = after
		if err := pem.Encode(&bundle, block); err != nil {
			return fmt.Errorf("encode additionalTrustBundle: %w", err)
		}
	}
	if bundle.Len() == 0 {
		return errors.New("additionalTrustBundle holds no certificate in PEM form")
	}
	object := objects.ConfigMap(objects.Config, userCABundle, map[string]string{bundleKey: bundle.String()})
	object.Annotations = map[string]string{owner: "End User"}
	set.Add("user-ca-bundle-config.yaml", object)
	return nil
}

// addMachineConfigServer adds the certificate of the machine config server and
// its authority. The annotations are those by which the operator decides when
// to renew them.
func addMachineConfigServer(set *objects.Set, in Inputs) error {
	ca := string(in.RootCA.Cert)
	set.Add("kube-system-configmap-root-ca.yaml",
		objects.ConfigMap(objects.System, "root-ca", map[string]string{"ca.crt": ca}))

	bundle := objects.ConfigMap(objects.MachineConfig, "machine-config-server-ca", map[string]string{bundleKey: ca})
	bundle.Labels = managed("ca-bundle")
	bundle.Annotations = map[string]string{owner: mcoOwner,
		description: "Authorities whose signature on the machine config server's certificate is valid"}
	set.Add("machine-config-server-ca-configmap.yaml", bundle)

	signer := tlsSecret("machine-config-server-ca", in.RootCA)
	signer.Labels = managed("signer")
	signer.Annotations = map[string]string{owner: mcoOwner,
		description: "Authority that signs the machine config server's certificate"}
	server := tlsSecret("machine-config-server-tls", in.MachineConfigServer)
	server.Labels = managed("target")
	server.Annotations = map[string]string{owner: mcoOwner,
		description: "Certificate and key of the machine config server"}
	names, err := annotate(server.Annotations, in.MachineConfigServer)
	if err != nil {
		return err
	}
	server.Annotations["auth.openshift.io/certificate-hostnames"] = strings.Join(names, ",")
	if _, err := annotate(signer.Annotations, in.RootCA); err != nil {
		return err
	}
	set.Add("machine-config-server-ca-secret.yaml", signer)
	set.Add("machine-config-server-tls-secret.yaml", server)
	return nil
}

func managed(kind string) map[string]string {
	return map[string]string{"auth.openshift.io/managed-certificate-type": kind}
}

func tlsSecret(name string, pair pki.Pair) corev1.Secret {
	return objects.Secret(objects.MachineConfig, name, corev1.SecretTypeTLS,
		map[string][]byte{corev1.TLSCertKey: pair.Cert, corev1.TLSPrivateKeyKey: pair.Key})
}

// annotate notes who signed a certificate and how long it is valid, and returns
// the names and addresses in it, sorted.
func annotate(annotations map[string]string, pair pki.Pair) ([]string, error) {
	certs, err := pki.ParseCertificates(pair.Cert)
	if err != nil {
		return nil, fmt.Errorf("read a certificate of the machine config server: %w", err)
	}
	c := certs[0]
	annotations["auth.openshift.io/certificate-issuer"] = c.Issuer.CommonName
	annotations["auth.openshift.io/certificate-not-before"] = c.NotBefore.UTC().Format(time.RFC3339)
	annotations["auth.openshift.io/certificate-not-after"] = c.NotAfter.UTC().Format(time.RFC3339)
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	slices.Sort(names)
	return names, nil
}
