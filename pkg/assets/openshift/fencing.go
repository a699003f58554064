package openshift

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
)

// addFencing adds the logins with which two masters switch each other off. The
// etcd operator hands them to the nodes.
func addFencing(set *objects.Set, in Inputs) error {
	if in.Config.ControlPlane == nil || in.Config.ControlPlane.Fencing == nil {
		return nil
	}
	var logins []corev1.Secret
	for _, c := range in.Config.ControlPlane.Fencing.Credentials {
		logins = append(logins, objects.Secret("openshift-etcd", "fencing-credentials-"+c.HostName, "", map[string][]byte{
			"address":                 []byte(c.Address),
			"username":                []byte(c.Username),
			"password":                []byte(c.Password.Reveal()),
			"certificateVerification": []byte(c.CertificateVerification),
		}))
	}
	objects.AddEach(set, "99_openshift-etcd_fencing-credentials-secrets-%s.yaml", logins)
	return nil
}
