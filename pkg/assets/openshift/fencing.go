package openshift

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addFencing adds the logins with which two masters switch each other off. The
// etcd operator hands them to the nodes.
func addFencing(set *objects.Set, in Inputs) {
	if in.Config.ControlPlane == nil || in.Config.ControlPlane.Fencing == nil {
		return
	}
	var logins []corev1.Secret
	for _, c := range in.Config.ControlPlane.Fencing.Credentials {
		name, by := fenced(c)
		login := objects.Secret("openshift-etcd", "fencing-credentials-"+name, "", map[string][]byte{
			"address":                 []byte(c.Address),
			"username":                []byte(c.Username),
			"password":                []byte(c.Password.Reveal()),
			"certificateVerification": []byte(c.CertificateVerification),
		})
		login.Annotations = map[string]string{"openshift.io/fencing-credentials": by}
		logins = append(logins, login)
	}
	objects.AddEach(set, "99_openshift-etcd_fencing-credentials-secrets-%s.yaml", logins)
}

// fenced is the key by which the etcd operator finds the login of a machine, and the
// kind of key: the host name, or a digest of the MAC address of an interface.
func fenced(c types.FencingCredential) (name, by string) {
	if c.HostName != "" {
		return c.HostName, "hostname"
	}
	digits := strings.NewReplacer(":", "", "-", "").Replace(strings.ToLower(c.MACAddress))
	sum := sha256.Sum256([]byte(digits))
	return hex.EncodeToString(sum[:]), "mac-address"
}
