package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	certv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/pki/pkitest"
)

// upi writes an install-config for machines that the user makes: upi DIR PLATFORM,
// where PLATFORM is none, external, baremetal or in-place.
func upi(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	dir, platform, replicas, extra := ts.MkAbs(args[0]), args[1]+": {}", 3, ""
	switch args[1] {
	case "external":
		platform = "external:\n    platformName: rack"
	case "baremetal":
		platform = fmt.Sprintf("baremetal:\n    apiVIPs: [%s]\n    ingressVIPs: [%s]\n    hosts:", w.addr(10), w.addr(11))
		for i := range 3 {
			bmc := fmt.Sprintf(`{address: "redfish-virtualmedia://%s/redfish/v1/Systems/%d", username: admin, password: %s}`,
				w.addr(20), i, enginePassword)
			platform += fmt.Sprintf("\n    - {name: rack1-%d, role: master, bootMACAddress: \"52:54:00:00:00:0%d\", bmc: %s}",
				i, i, bmc)
		}
	case "in-place":
		platform, replicas, extra = "none: {}", 1, "bootstrapInPlace:\n  installationDisk: /dev/vda\n"
	}
	text := fmt.Sprintf(`apiVersion: v1
metadata:
  name: demo
baseDomain: cli.test
networking:
  machineNetwork:
  - cidr: %s/24
  clusterNetwork:
  - cidr: 198.19.0.0/17
    hostPrefix: 24
  serviceNetwork:
  - 198.19.128.0/17
controlPlane:
  name: master
  replicas: %d
compute:
- name: worker
  replicas: 0
platform:
  %s
%spullSecret: '%s'
`, w.addr(0), replicas, platform, extra, pullSecret(w.registry, registryPassword))
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(os.WriteFile(filepath.Join(dir, "install-config.yaml"), []byte(text), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, ".openshift_install_state.json"), warm, 0o600))
}

const requestsPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests"

// request makes the certificate request of the kubelet of a new machine.
func (c *cluster) request(node string) error {
	made, err := pkitest.Request("system:node:"+node, "system:nodes", nil)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, certv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{
			Name: "csr-" + node, CreationTimestamp: metav1.NewTime(time.Now().Add(-5 * time.Minute)),
		},
		Spec: certv1.CertificateSigningRequestSpec{
			Request:    made,
			SignerName: "kubernetes.io/kube-apiserver-client-kubelet",
			Username:   "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper",
			Usages:     []certv1.KeyUsage{certv1.UsageDigitalSignature, certv1.UsageClientAuth},
		},
	})
	return nil
}

func (c *cluster) pending() object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return object{"items": slices.Clone(c.requests)}
}

// decide takes an approval, and reports whether it was one.
func (c *cluster) decide(r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, csr := range c.requests {
		if r.URL.Path != requestsPath+"/"+csr.Name+"/approval" {
			continue
		}
		if err := json.NewDecoder(r.Body).Decode(&c.requests[i]); err != nil {
			c.failures = append(c.failures, err)
			return false
		}
		return true
	}
	return false
}

func (c *cluster) approved(node string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.requests, func(csr certv1.CertificateSigningRequest) bool {
		return strings.TrimPrefix(csr.Name, "csr-") == node && len(csr.Status.Conditions) > 0 &&
			csr.Status.Conditions[0].Type == certv1.CertificateApproved
	})
}
