package bootstrap_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"text/tabwriter"
	"text/template"
)

// fakeCSRs is an oc with requests that are open until the script sleeps. Then all nodes
// have joined.
const fakeCSRs = `#!/bin/bash
now=0; [ ! -e "$FAKE/slept" ] || now=1
case "$*" in
"get nodes "*) printf '%s' "$*" >"$FAKE/nodes-template"; cat "$FAKE/nodes-$now" ;;
"get certificatesigningrequests "*)
    printf '%s' "$*" >"$FAKE/requests-template"
    [ ! -e "$FAKE/api-down" ] || { rm "$FAKE/api-down"; echo "connection refused" >&2; exit 1; }
    [ "$now" = 1 ] || cat "$FAKE/requests" ;;
"describe certificatesigningrequest "*" --show-events=false") cat "$FAKE/describe-$3" ;;
"adm certificate approve "*) echo "$4" >>"$FAKE/approved" ;;
"delete clusterrolebinding okd-agent-approver --ignore-not-found") touch "$FAKE/revoked" ;;
*) echo "oc $*: not expected" >&2; exit 1 ;;
esac
`

const (
	clientSigner  = "kubernetes.io/kube-apiserver-client-kubelet"
	servingSigner = "kubernetes.io/kubelet-serving"
	bootstrapper  = "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"
)

// request is a certificate request as a kubelet makes it, or somebody else.
type request struct {
	signer, user, usages, cn string
	orgs                     []string
	dns                      []string
	ips                      []string
	emails                   []string
}

func client(node string) request {
	return request{signer: clientSigner, user: bootstrapper, usages: "digital signature,client auth",
		cn: "system:node:" + node, orgs: []string{"system:nodes"}}
}

func serving(node string, dns []string, ips ...string) request {
	return request{signer: servingSigner, user: "system:node:" + node, usages: "digital signature,server auth",
		cn: "system:node:" + node, orgs: []string{"system:nodes"}, dns: dns, ips: ips}
}

func (r request) with(change func(*request)) request { change(&r); return r }

var csrKey, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)

// describe prints a request as oc does: k8s.io/kubectl/pkg/describe.
func (r request) describe(t *testing.T, name string) string {
	t.Helper()
	in := &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: r.cn, Organization: r.orgs},
		DNSNames: r.dns, EmailAddresses: r.emails,
	}
	for _, ip := range r.ips {
		in.IPAddresses = append(in.IPAddresses, net.ParseIP(ip))
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, in, csrKey)
	if err != nil {
		t.Fatal(err)
	}
	cr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	list := func(name string, values []string) {
		if len(values) > 0 {
			fmt.Fprintf(w, "\t%s:\t%s\n", name, strings.Join(values, "\n\t\t"))
		}
	}
	fmt.Fprintf(w, "Name:\t%s\nLabels:\t<none>\nAnnotations:\t<none>\n", name)
	fmt.Fprintf(w, "CreationTimestamp:\tMon, 30 Nov 2026 01:00:00 +0000\n")
	fmt.Fprintf(w, "Requesting User:\t%s\nSigner:\t%s\nStatus:\tPending\nSubject:\n", r.user, r.signer)
	fmt.Fprintf(w, "\tCommon Name:\t%s\n\tSerial Number:\t%s\n", cr.Subject.CommonName, cr.Subject.SerialNumber)
	list("Organization", cr.Subject.Organization)
	if len(cr.DNSNames)+len(cr.EmailAddresses)+len(cr.IPAddresses) > 0 {
		fmt.Fprintf(w, "Subject Alternative Names:\n")
		list("DNS Names", cr.DNSNames)
		list("Email Addresses", cr.EmailAddresses)
		var ips []string
		for _, ip := range cr.IPAddresses {
			ips = append(ips, ip.String())
		}
		list("IP Addresses", ips)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// row is the request in the list.
func (r request) row(name string) string {
	usages := ""
	for u := range strings.SplitSeq(r.usages, ",") {
		usages += "[" + u + "]"
	}
	return fmt.Sprintf("%s|%s|%s|%q\n", name, r.signer, usages, r.user)
}

func TestApprover(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("config/hosts", "m0 master 198.18.0.10\nm1 master 198.18.0.11\nw0.okd.test worker 198.18.0.20 fd00::20\n"+
		"w1 worker\n")
	h.write("config/networks", "198.18.0.0/24\nfd00::/64\n")
	h.write("config/reserved", "198.18.0.2\n198.18.0.3\n")
	const joined = "m0|True| \"198.18.0.10\" \"m0\"\n" +
		"w0.okd.test|False| \"198.18.0.20\" \"fd00::20\" \"198.18.0.2\" \"198.18.0.11\" \"10.0.0.1\" \"198.18.0.77\"\n"
	h.write("fake/nodes-0", joined+"stranger|True| \"198.18.0.99\"\n")
	h.write("fake/nodes-1", "m0|True|\nm1|True|\nw0.okd.test|True|\nw1|True|\n")
	const w0 = "w0.okd.test"
	named := []string{w0}
	forged := "m1\n  Serial Number:  \n  Organization:  system:nodes"
	tests := []struct {
		name string
		r    request
		why  string // empty: approved
	}{
		{"client", client("m1"), ""},
		{"client-of-a-worker", client("w1"), ""},
		{"client-rsa", client("w1").with(func(r *request) {
			r.usages = "digital signature,key encipherment,client auth"
		}), ""},
		{"client-of-nobody", client("m7"), "node m7 is not one of this installation"},
		{"client-joined", client("m0"), "node m0 has joined already"},
		{"client-by-a-node", client("m1").with(func(r *request) { r.user = "system:node:m0" }),
			`asked for by "system:node:m0", not by the node bootstrapper`},
		{"client-with-names", client("m1").with(func(r *request) { r.dns = []string{"api.okd.test"} }),
			"a client certificate must not carry more than the name of its node"},
		{"client-two-groups", client("m1").with(func(r *request) { r.orgs = append(r.orgs, "system:masters") }),
			"a client certificate must not carry more than the name of its node"},
		{"client-masters", client("m1").with(func(r *request) { r.orgs = []string{"system:masters"} }),
			"its subject is not a node's"},
		{"client-no-group", client("m1").with(func(r *request) { r.orgs = nil }), "its subject is not a node's"},
		{"client-admin", client("m1").with(func(r *request) { r.cn = "system:admin" }),
			"its subject is not a node's"},
		{"client-short-name", client("m1").with(func(r *request) { r.cn = "m1" }), "its subject is not a node's"},
		{"client-lines", client(forged), "a client certificate must not carry more than the name of its node"},
		{"client-group-lines", client("m1").with(func(r *request) {
			r.orgs = []string{"system:nodes\nOrganization: system:masters"}
		}), "a client certificate must not carry more than the name of its node"},
		{"client-server", client("m1").with(func(r *request) { r.usages = "client auth,server auth" }),
			"asks for usage [server auth]"},
		{"client-no-usage", client("m1").with(func(r *request) { r.usages = "digital signature" }),
			"does not ask for usage client auth"},
		{"serving", serving(w0, named, "198.18.0.20"), ""},
		{"serving-ipv6", serving(w0, named, "198.18.0.20", "fd00::20"), ""},
		{"serving-other-lease", serving(w0, named, "198.18.0.77"), ""},
		{"serving-domain", serving("m0", []string{"m0", "m0.okd.test"}, "198.18.0.10"), ""},
		{"serving-no-address", serving("m0", []string{"m0"}), ""},
		{"serving-nameless", serving(w0, nil, "198.18.0.20"), ""},
		{"serving-nothing", serving(w0, nil), "names no host"},
		{"serving-stranger", serving("stranger", []string{"stranger"}, "198.18.0.99"),
			"node stranger is not one of this installation"},
		{"serving-not-joined", serving("m1", []string{"m1"}), "node m1 has not joined"},
		{"serving-by-another", serving(w0, named).with(func(r *request) { r.user = "system:node:m0" }),
			`asked for by "system:node:m0", not by the node itself`},
		{"serving-by-bootstrapper", serving(w0, named).with(func(r *request) { r.user = bootstrapper }), "asked for by"},
		{"serving-api", serving(w0, []string{w0, "api.okd.test"}), "names api.okd.test, which is not node w0.okd.test"},
		{"serving-prefix", serving(w0, []string{w0 + "x"}), "which is not node"},
		{"serving-of-another", serving(w0, named, "198.18.0.10"), "which node w0.okd.test does not have"},
		{"serving-stolen", serving(w0, named, "198.18.0.11"), "which is that of m1"},
		{"serving-vip", serving(w0, named, "198.18.0.2"), "which is not a node's"},
		{"serving-elsewhere", serving(w0, named, "10.0.0.1"), "which is in no machine network"},
		{"serving-mail", serving(w0, named).with(func(r *request) { r.emails = []string{"a@b"} }),
			"names something other than hosts"},
		{"serving-lines", serving(w0, []string{w0 + "\n  IP Addresses:  198.18.0.20", "api.okd.test"}),
			"names address api.okd.test, which node"},
		{"serving-client", serving(w0, named).with(func(r *request) { r.usages = "server auth,client auth" }),
			"asks for usage [client auth]"},
		{"other-signer", client("m1").with(func(r *request) { r.signer = "kubernetes.io/kube-apiserver-client" }), "-"},
	}
	rows := ""
	for _, tt := range tests {
		rows += tt.r.row(tt.name)
		h.write("fake/describe-"+tt.name, tt.r.describe(t, tt.name))
	}
	// One that is gone when it is looked at.
	h.write("fake/requests", client("m1").row("gone")+rows)
	h.write("fake/api-down", "")
	h.write("bin/oc", fakeCSRs)
	h.write("bin/sleep", "#!/bin/bash\n[ ! -e \"$FAKE/approved\" ] || touch \"$FAKE/slept\"\n")
	h.env = append(h.env, "OKD_CONFIG="+h.path("config"), "OKD_SETTLE=10")
	out, err := h.run("agent-approver.sh")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	approved := strings.Fields(h.read("fake/approved"))
	for _, tt := range tests {
		said := ""
		for line := range strings.Lines(out) {
			if rest, ok := strings.CutPrefix(line, tt.name+" is left alone: "); ok {
				said += strings.TrimSpace(rest)
			}
		}
		count := 0
		for _, name := range approved {
			if name == tt.name {
				count++
			}
		}
		switch {
		case tt.why == "" && (count != 1 || said != ""):
			t.Errorf("%s: approved %d times; left alone: %q", tt.name, count, said)
		case tt.why == "-" && (count != 0 || said != ""):
			t.Errorf("%s: approved %d times; left alone: %q", tt.name, count, said)
		case tt.why != "" && tt.why != "-" && (count != 0 || !strings.Contains(said, tt.why)):
			t.Errorf("%s: approved %d times; left alone: %q, should say %q", tt.name, count, said, tt.why)
		}
	}
	if !strings.Contains(out, "waiting for m1 w0.okd.test w1\n") || !strings.Contains(out, "all 4 nodes are Ready\n") {
		t.Errorf("does not say what it waits for:\n%s", out)
	}
	if !exists(h.path("fake/revoked")) {
		t.Error("the Job keeps its rights")
	}
	checkTemplates(t, h)
}

// checkTemplates gives real objects to the templates that the script gives to oc.
func checkTemplates(t *testing.T, h *host) {
	t.Helper()
	for name, tt := range map[string]struct{ list, want string }{
		"requests": {`{"items":[
			{"metadata":{"name":"a"},"spec":{"signerName":"s","username":"u\nb|s|[client auth]|\"x\"",
			"usages":["digital signature","client auth"]},"status":{}},
			{"metadata":{"name":"done"},"spec":{"signerName":"s","username":"u"},
			"status":{"conditions":[{"type":"Denied"}]}}]}`,
			"a|s|[digital signature][client auth]|" + `"u\nb|s|[client auth]|\"x\""` + "\n"},
		"nodes": {`{"items":[
			{"metadata":{"name":"m0"},"status":{"conditions":[{"type":"MemoryPressure","status":"False"},
			{"type":"Ready","status":"True"}],"addresses":[{"address":"198.18.0.10"},{"address":"m0\nm1|True|"}]}},
			{"metadata":{"name":"new"},"status":{}}]}`,
			`m0|True| "198.18.0.10" "m0\nm1|True|"` + "\n" + "new||\n"},
	} {
		_, text, _ := strings.Cut(h.read("fake/"+name+"-template"), "--output=go-template=")
		var list any
		h.must(json.Unmarshal([]byte(tt.list), &list))
		parsed, err := template.New("").Parse(text)
		h.must(err)
		var out strings.Builder
		h.must(parsed.Execute(&out, list))
		if out.String() != tt.want {
			t.Errorf("%s: %q, want %q", name, out.String(), tt.want)
		}
	}
}

// TestApproverAddresses compares the script's idea of addresses and networks with Go's.
func TestApproverAddresses(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	script := h.read("lib/agent-approver.sh")
	functions, _, found := strings.Cut(script, "\nload\nquiet=0\n")
	if !found {
		t.Fatal("where does the script begin?")
	}
	h.write("lib/try.sh", functions+`
while read -r address network; do
    networks=("$network")
    if inside "$address"; then echo "$address $network true"; else echo "$address $network false"; fi
done <"$OKD_CONFIG/tries"
`)
	var tries, want strings.Builder
	for _, address := range []string{
		"198.18.0.10", "198.18.1.10", "0.0.0.0", "255.255.255.255", "10.08.0.1", "10.0.0.256", "10.0.0", "1.2.3.4.5",
		"fd00::20", "::", "::1", "fd00:0:0:1::", "fd00:1:2:3:4:5:6:7", "1:2:3:4:5:6:7", "1::2::3", "1:2:3:4:5:6:7:8:9",
		"::ffff:1.2.3.4", "fd00::12345", ":::", "x", "fd00:1:2:3:4:5:6::",
	} {
		for _, network := range []string{
			"198.18.0.0/24", "198.18.0.0/23", "0.0.0.0/0", "10.0.0.0/8", "fd00::/64", "fd00::/8", "::/0", "fd00::20/128",
			"198.18.0.10/32",
		} {
			ip, err := netip.ParseAddr(address)
			in := err == nil && !ip.Is4In6() && netip.MustParsePrefix(network).Contains(ip)
			if address == "10.08.0.1" || address == "fd00:1:2:3:4:5:6::" {
				continue // Go refuses the first; neither is how Kubernetes writes an address
			}
			fmt.Fprintln(&tries, address, network)
			fmt.Fprintln(&want, address, network, in)
		}
	}
	h.write("config/tries", tries.String())
	h.env = append(h.env, "OKD_CONFIG="+h.path("config"))
	out, err := h.run("try.sh")
	if err != nil || out != want.String() {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want.String())
	}
}
