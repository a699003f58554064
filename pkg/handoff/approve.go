package handoff

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	certv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	nodeUserPrefix  = "system:node:"
	nodesGroup      = "system:nodes"
	bootstrapUser   = "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"
	clientSigner    = "kubernetes.io/kube-apiserver-client-kubelet"
	servingSigner   = "kubernetes.io/kubelet-serving"
	approvalReason  = "OkdInstallApprove"
	approvalMessage = "okd-install created this machine and expects this node"
	vouchedMessage  = "okd-install was told to let nodes of the machine networks join"
)

// Approver approves the first client certificate and the serving certificates of the nodes that this installation
// created. In a cluster without Machine objects nothing else can vouch for them.
type Approver struct {
	*Watcher
	// Nodes are the names of the nodes that may join.
	Nodes []string
	// More are names that become known while it runs; nil for none.
	More func() []string
	// AnyNode lets nodes of every name join: the user vouches for what reaches the API from the machine networks.
	AnyNode bool
	// Networks are the machine networks that serving certificates may name.
	Networks []netip.Prefix
	// Ask only names the requests that could be approved, and leaves that to the user.
	Ask bool
}

// Run approves until ctx ends. Requests that it does not know are left alone and mentioned once.
func (a *Approver) Run(ctx context.Context) {
	mentioned := map[string]bool{}
	for {
		if err := a.pass(ctx, mentioned); err != nil && ctx.Err() == nil {
			event.Debug(a.Sink, "look at certificate requests", "err", err)
		}
		if a.Clock.Sleep(ctx, max(a.Every, time.Second)) != nil {
			return
		}
	}
}

func (a *Approver) pass(ctx context.Context, mentioned map[string]bool) error {
	var list certv1.CertificateSigningRequestList
	if err := a.API.List(ctx, kube.CSRs, "", &list); err != nil {
		return err
	}
	open := slices.DeleteFunc(list.Items, decided)
	if len(open) == 0 {
		return nil
	}
	nodes, err := a.nodes(ctx)
	if err != nil {
		return err
	}
	for _, csr := range open {
		node, err := a.Judge(csr, nodes)
		switch {
		case err == nil && !a.Ask:
			if err := a.approve(ctx, csr); err != nil {
				return fmt.Errorf("approve %s: %w", csr.Name, err)
			}
			event.Info(a.Sink, "Approved "+kindOf(csr)+" certificate of node "+node)
			continue
		case mentioned[csr.Name]:
		case err != nil:
			event.Warn(a.Sink, "Certificate request "+csr.Name+" is left alone", "why", err)
		default:
			event.Warn(a.Sink, "Node "+node+" waits for its "+kindOf(csr)+" certificate; if the machine is "+
				"yours: oc adm certificate approve "+csr.Name)
		}
		mentioned[csr.Name] = true
	}
	return nil
}

func decided(csr certv1.CertificateSigningRequest) bool {
	return slices.ContainsFunc(csr.Status.Conditions, func(c certv1.CertificateSigningRequestCondition) bool {
		return c.Type == certv1.CertificateApproved || c.Type == certv1.CertificateDenied
	})
}

func kindOf(csr certv1.CertificateSigningRequest) string {
	if csr.Spec.SignerName == servingSigner {
		return "serving"
	}
	return "client"
}

// Judge returns the node that a request is for, or why it must not be approved.
func (a *Approver) Judge(csr certv1.CertificateSigningRequest, nodes map[string]corev1.Node) (string, error) {
	req, err := parse(csr.Spec.Request)
	if err != nil {
		return "", err
	}
	name, isNode := strings.CutPrefix(req.Subject.CommonName, nodeUserPrefix)
	if !isNode || !slices.Equal(req.Subject.Organization, []string{nodesGroup}) {
		return "", fmt.Errorf("subject %q is not a node's", req.Subject)
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return "", fmt.Errorf("%q is not the name of a node", name)
	}
	if !a.AnyNode && !a.expects(name) {
		return "", fmt.Errorf("node %s is not one that this installation created", name)
	}
	switch csr.Spec.SignerName {
	case clientSigner:
		return name, judgeClient(csr, req, nodes, name)
	case servingSigner:
		return name, a.judgeServing(csr, req, nodes, name)
	}
	return "", fmt.Errorf("signer %s is not a kubelet's", csr.Spec.SignerName)
}

func (a *Approver) expects(name string) bool {
	return slices.Contains(a.Nodes, name) || a.More != nil && slices.Contains(a.More(), name)
}

func judgeClient(
	csr certv1.CertificateSigningRequest, req *x509.CertificateRequest, nodes map[string]corev1.Node, name string,
) error {
	if csr.Spec.Username != bootstrapUser {
		return fmt.Errorf("asked for by %s, not by the node bootstrapper", csr.Spec.Username)
	}
	if _, joined := nodes[name]; joined {
		return fmt.Errorf("node %s has joined already", name)
	}
	if len(req.DNSNames)+len(req.IPAddresses)+len(req.EmailAddresses)+len(req.URIs) > 0 {
		return errors.New("a client certificate must not carry names")
	}
	return onlyUsages(csr, certv1.UsageClientAuth)
}

func (a *Approver) judgeServing(
	csr certv1.CertificateSigningRequest, req *x509.CertificateRequest, nodes map[string]corev1.Node, name string,
) error {
	if csr.Spec.Username != nodeUserPrefix+name {
		return fmt.Errorf("asked for by %s, not by the node itself", csr.Spec.Username)
	}
	node, joined := nodes[name]
	if !joined {
		return fmt.Errorf("node %s has not joined", name)
	}
	if len(req.EmailAddresses)+len(req.URIs) > 0 {
		return errors.New("a serving certificate names hosts only")
	}
	for _, dns := range req.DNSNames {
		if dns != name && !strings.HasPrefix(dns, name+".") {
			return fmt.Errorf("names %s, which is not node %s", dns, name)
		}
	}
	for _, ip := range req.IPAddresses {
		addr, ok := netip.AddrFromSlice(ip)
		addr = addr.Unmap()
		isIt := func(n corev1.NodeAddress) bool { return n.Address == addr.String() }
		known := slices.ContainsFunc(node.Status.Addresses, isIt)
		inside := slices.ContainsFunc(a.Networks, func(p netip.Prefix) bool { return p.Contains(addr) })
		if !ok || !known || !inside {
			return fmt.Errorf("names address %s, which is not known to be node %s's", ip, name)
		}
	}
	return onlyUsages(csr, certv1.UsageServerAuth)
}

func onlyUsages(csr certv1.CertificateSigningRequest, wanted certv1.KeyUsage) error {
	asked := false
	for _, u := range csr.Spec.Usages {
		switch u {
		case wanted:
			asked = true
		case certv1.UsageDigitalSignature, certv1.UsageKeyEncipherment:
		default:
			return fmt.Errorf("asks for usage %q", u)
		}
	}
	if !asked {
		return fmt.Errorf("does not ask for usage %q", wanted)
	}
	return nil
}

func parse(data []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("holds no PEM certificate request")
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read certificate request: %w", err)
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check certificate request: %w", err)
	}
	return req, nil
}

func (a *Approver) approve(ctx context.Context, csr certv1.CertificateSigningRequest) error {
	now, message := metav1.NewTime(a.Clock.Now()), approvalMessage
	if a.AnyNode {
		message = vouchedMessage
	}
	csr.Status.Conditions = append(csr.Status.Conditions, certv1.CertificateSigningRequestCondition{
		Type: certv1.CertificateApproved, Status: corev1.ConditionTrue,
		Reason: approvalReason, Message: message, LastUpdateTime: now, LastTransitionTime: now,
	})
	return a.API.Update(ctx, kube.Ref{Kind: kube.CSRs, Name: csr.Name}, "approval", csr)
}
