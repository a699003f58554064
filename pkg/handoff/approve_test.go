package handoff_test

import (
	"net/netip"
	"strings"
	"testing"

	certv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
)

func request(t *testing.T, cn, org string, dns []string, ips ...string) []byte {
	t.Helper()
	made, err := pkitest.Request(cn, org, dns, ips...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestJudge(t *testing.T) {
	const (
		client    = "kubernetes.io/kube-apiserver-client-kubelet"
		serving   = "kubernetes.io/kubelet-serving"
		bootstrap = "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"
		worker    = "system:node:demo-abcde-worker-0"
		joined    = "system:node:demo-abcde-worker-1"
	)
	clientUse := []certv1.KeyUsage{certv1.UsageDigitalSignature, certv1.UsageClientAuth}
	serverUse := []certv1.KeyUsage{certv1.UsageDigitalSignature, certv1.UsageServerAuth}
	node := corev1.Node{Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Address: "198.18.0.101"},
		{Address: "203.0.113.9"}}}}
	nodes := map[string]corev1.Node{"demo-abcde-worker-1": node}
	a := &handoff.Approver{
		Nodes:    []string{"demo-abcde-worker-0", "demo-abcde-worker-1"},
		Networks: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/24")},
	}
	own := []string{"demo-abcde-worker-1"}
	tests := []struct {
		name, signer, user string
		usages             []certv1.KeyUsage
		req                []byte
		refuse             string // empty: approve
	}{
		{"first client certificate", client, bootstrap, clientUse, request(t, worker, "system:nodes", nil), ""},
		{"serving certificate", serving, joined, serverUse, request(t, joined, "system:nodes", own, "198.18.0.101"), ""},
		{"stranger", client, bootstrap, clientUse, request(t, "system:node:evil", "system:nodes", nil),
			"not one that this installation created"},
		{"not a node", client, bootstrap, clientUse, request(t, "system:admin", "system:masters", nil), "not a node's"},
		{"node in masters' group", client, bootstrap, clientUse, request(t, worker, "system:masters", nil), "not a node's"},
		{"client by somebody else", client, "system:admin", clientUse, request(t, worker, "system:nodes", nil),
			"not by the node bootstrapper"},
		{"second client certificate", client, bootstrap, clientUse, request(t, joined, "system:nodes", nil),
			"has joined already"},
		{"client with server usage", client, bootstrap, serverUse, request(t, worker, "system:nodes", nil),
			`usage "server auth"`},
		{"client with names", client, bootstrap, clientUse, request(t, worker, "system:nodes", []string{"x"}),
			"must not carry names"},
		{"serving for another node", serving, worker, serverUse, request(t, joined, "system:nodes", own),
			"not by the node itself"},
		{"serving before joining", serving, worker, serverUse, request(t, worker, "system:nodes", nil), "has not joined"},
		{"serving with a foreign name", serving, joined, serverUse,
			request(t, joined, "system:nodes", []string{"api.demo.okd.test"}), "which is not node"},
		{"serving with the name of a node whose name begins alike", serving, joined, serverUse,
			request(t, joined, "system:nodes", []string{"demo-abcde-worker-10"}), "which is not node"},
		{"serving with an unknown address", serving, joined, serverUse,
			request(t, joined, "system:nodes", own, "198.18.0.10"), "not known to be"},
		{"serving with an address outside the machine network", serving, joined, serverUse,
			request(t, joined, "system:nodes", own, "203.0.113.9"), "not known to be"},
		{"other signer", "kubernetes.io/kube-apiserver-client", bootstrap, clientUse,
			request(t, worker, "system:nodes", nil), "not a kubelet's"},
		{"garbage", client, bootstrap, clientUse, []byte("hello"), "no PEM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			csr := certv1.CertificateSigningRequest{Spec: certv1.CertificateSigningRequestSpec{
				Request: tt.req, SignerName: tt.signer, Username: tt.user, Usages: tt.usages,
			}}
			_, err := a.Judge(csr, nodes)
			switch {
			case tt.refuse == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.refuse != "" && err == nil:
				t.Error("approved")
			case tt.refuse != "" && !strings.Contains(err.Error(), tt.refuse):
				t.Errorf("refused with %q, want %q", err, tt.refuse)
			}
		})
	}
}

// Who made the machines may vouch for their names, and for nothing else.
func TestJudgeAnyNode(t *testing.T) {
	const (
		client    = "kubernetes.io/kube-apiserver-client-kubelet"
		serving   = "kubernetes.io/kubelet-serving"
		bootstrap = "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"
		node      = "system:node:worker-7.okd.test"
	)
	nodes := map[string]corev1.Node{"worker-8": {Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
		{Address: "198.18.0.108"}, {Address: "203.0.113.9"},
	}}}}
	a := &handoff.Approver{AnyNode: true, Networks: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/24")}}
	clientUse, serverUse := []certv1.KeyUsage{certv1.UsageClientAuth}, []certv1.KeyUsage{certv1.UsageServerAuth}
	tests := []struct {
		name, signer, user string
		usages             []certv1.KeyUsage
		req                []byte
		refuse             string
	}{
		{"a node of any name", client, bootstrap, clientUse, request(t, node, "system:nodes", nil), ""},
		{"its serving certificate", serving, "system:node:worker-8", serverUse,
			request(t, "system:node:worker-8", "system:nodes", []string{"worker-8"}, "198.18.0.108"), ""},
		{"no name of a node", client, bootstrap, clientUse, request(t, "system:node:../x", "system:nodes", nil),
			"not the name of a node"},
		{"an empty name", client, bootstrap, clientUse, request(t, "system:node:", "system:nodes", nil),
			"not the name of a node"},
		{"an administrator", client, bootstrap, clientUse, request(t, "system:admin", "system:masters", nil), "not a node's"},
		{"by somebody else", client, "system:serviceaccount:default:evil", clientUse,
			request(t, node, "system:nodes", nil), "not by the node bootstrapper"},
		{"a second one", client, bootstrap, clientUse, request(t, "system:node:worker-8", "system:nodes", nil),
			"has joined already"},
		{"serving from elsewhere", serving, "system:node:worker-8", serverUse,
			request(t, "system:node:worker-8", "system:nodes", []string{"worker-8"}, "203.0.113.9"), "not known to be"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := a.Judge(certv1.CertificateSigningRequest{Spec: certv1.CertificateSigningRequestSpec{
				Request: tt.req, SignerName: tt.signer, Username: tt.user, Usages: tt.usages,
			}}, nodes)
			if (err == nil) != (tt.refuse == "") || err != nil && !strings.Contains(err.Error(), tt.refuse) {
				t.Errorf("%v, want %q", err, tt.refuse)
			}
		})
	}
}
