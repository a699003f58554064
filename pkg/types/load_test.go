package types

import (
	"bytes"
	"crypto/ed25519"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/okd-install/okd-install/pkg/report"
)

const good = `apiVersion: v1
metadata:
  name: demo
  creationTimestamp: null
baseDomain: okd.test
networking:
  machineNetwork:
  - cidr: 198.18.0.0/24
  clusterNetwork:
  - cidr: 198.19.0.0/17
    hostPrefix: 24
  serviceNetwork:
  - 198.19.128.0/17
controlPlane:
  name: master
  replicas: 3
  platform:
    ovirt:
      cpu: {cores: 2}
compute:
- name: worker
  replicas: 2
  platform: {}
platform:
  ovirt:
    ovirt_cluster_id: 6b2b1c7e-0000-4000-8000-000000000001
    ovirt_storage_domain_id: 6b2b1c7e-0000-4000-8000-000000000002
    api_vip: 198.18.0.10
    ingress_vips:
    - 198.18.0.11
    defaultMachinePlatform:
      memoryMB: 2048
pullSecret: '{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
`

func TestLoadGood(t *testing.T) {
	c, r := Load("install-config.yaml", []byte(good))
	if r.Failed() {
		t.Fatal(r.Err())
	}
	if c.ClusterDomain() != "demo.okd.test" || c.Masters() != 3 || c.Workers() != 2 {
		t.Errorf("domain %s, %d masters, %d workers", c.ClusterDomain(), c.Masters(), c.Workers())
	}
	yes := true
	p := c.Platform.Ovirt
	want := &OvirtMachinePool{
		CPU: &OvirtCPU{Sockets: 1, Cores: 2, Threads: 1}, MemoryMB: 2048, OSDisk: &OvirtDisk{SizeGB: 120},
		VMType: VMTypeHighPerformance, AffinityGroupsNames: []string{"controlplane"}, Clone: &yes,
	}
	if d := cmp.Diff(want, c.ControlPlane.Platform.Ovirt); d != "" {
		t.Errorf("control plane (-want +got):\n%s", d)
	}
	want.CPU.Cores, want.VMType, want.AffinityGroupsNames = 4, VMTypeServer, []string{"compute"}
	if d := cmp.Diff(want, c.Compute[0].Platform.Ovirt); d != "" {
		t.Errorf("compute (-want +got):\n%s", d)
	}
	if len(p.AffinityGroups) != 2 || p.NetworkName != "ovirtmgmt" || c.Publish != "External" {
		t.Errorf("defaults are missing: %+v", p)
	}
	if got := c.APIVIPs(); len(got) != 1 || got[0] != netip.MustParseAddr("198.18.0.10") || p.LegacyAPIVIP.IsValid() {
		t.Errorf("API VIPs %v", got)
	}
	var secrets []string
	for _, s := range c.Secrets() {
		secrets = append(secrets, s.Reveal())
	}
	if !strings.Contains(strings.Join(secrets, " "), " dXNlcjpwYXNzd29yZA== password") {
		t.Errorf("secrets to redact: %q", secrets)
	}
}

func TestCanonicalSeesSecrets(t *testing.T) {
	a, _ := Load("a", []byte(good))
	b, _ := Load("b", []byte(strings.Replace(good, "dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZDI=", 1)))
	c, _ := Load("c", []byte("# a comment\n"+good))
	if bytes.Equal(a.Canonical(), b.Canonical()) {
		t.Error("another pull secret, same bytes")
	}
	if !bytes.Equal(a.Canonical(), c.Canonical()) {
		t.Error("a comment changes the bytes")
	}
}

func TestLoadBad(t *testing.T) {
	set := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q in the good config", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	public, _, _ := ed25519.GenerateKey(nil)
	sshKey, _ := ssh.NewPublicKey(public)
	edKey := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshKey)))

	tests := []struct{ name, config, want string }{
		{"empty", "", "c.yaml: Required value: the file is empty"},
		{"comment only", "# nothing\n", "c.yaml: Required value: the file is empty"},
		{"a list", "- a\n", "c.yaml:1:1: Invalid value: the file must hold a mapping of keys to values"},
		{"broken YAML", "a: b\n c: [\n", "c.yaml:2:1: Invalid value: not YAML: mapping values are not allowed in this context"},
		{"two documents", good + "---\na: b\n", "c.yaml:34:1: Too many: the file must hold one YAML document"},
		{"no version", set("apiVersion: v1\n", ""), "c.yaml: apiVersion: Required value: write apiVersion: v1"},
		{"unknown version", set("apiVersion: v1", "apiVersion: v9"), `c.yaml:1:13: apiVersion: Invalid value: "v9": must be v1`},
		{"misspelt key", set("baseDomain:", "baseDomian:"), `c.yaml:5:1: baseDomian: Invalid value: "baseDomian": unknown key; did you mean "baseDomain"?`},
		{"misspelt nested key", set("hostPrefix", "hostprefixx"), `c.yaml:11:5: networking.clusterNetwork[0].hostprefixx: Invalid value: "hostprefixx": unknown key; did you mean "hostPrefix"?`},
		{"key like no other", set("baseDomain:", "zzzzzz: 1\nbaseDomain:"), `c.yaml:5:1: zzzzzz: Invalid value: "zzzzzz": unknown key`},
		{"key twice", set("baseDomain: okd.test", "baseDomain: okd.test\nbaseDomain: b"), "c.yaml:6:1: baseDomain: Duplicate value: the key is there twice"},
		{"number for text", set("okd.test", "12"), `c.yaml:5:13: baseDomain: Invalid value: "12": must be text; put it in quotes`},
		{"text for number", set("replicas: 2", "replicas: two"), `c.yaml:22:13: compute[0].replicas: Invalid value: "two": must be a whole number`},
		{"text for bool", good + "fips: maybe\n", `c.yaml:34:7: fips: Invalid value: "maybe": must be true or false`},
		{"mapping for list", set("  - cidr: 198.18.0.0/24", "    cidr: 198.18.0.0/24"), `networking.machineNetwork: Invalid value: "{...}": must be a list`},
		{"bad address", set("api_vip: 198.18.0.10", "api_vip: 198.18.0.300"), `c.yaml:28:14: platform.ovirt.api_vip: Invalid value: "198.18.0.300": must be an IP address`},
		{"bad network", set("198.19.128.0/17", "198.19.128.0"), `c.yaml:13:5: networking.serviceNetwork[0]: Invalid value: "198.19.128.0": must be a network in CIDR notation, like 10.0.0.0/16`},
		{"name in capitals", set("name: demo", "name: Demo"), `c.yaml:3:9: metadata.name: Invalid value: "Demo": must be a DNS name`},
		{"name with dots", set("name: demo", "name: de.mo"), `must not contain dots on platform ovirt`},
		{"long name", set("name: demo", "name: "+strings.Repeat("a", 55)), "must have at most 54 characters"},
		{"no base domain", set("baseDomain: okd.test\n", ""), "c.yaml: baseDomain: Required value"},
		{"host bits", set("198.18.0.0/24", "198.18.0.1/24"), `c.yaml:8:5: networking.machineNetwork[0]: Invalid value: "198.18.0.1/24": has host bits; write 198.18.0.0/24`},
		{"overlap", set("198.19.128.0/17", "198.19.0.0/16"), `networking.clusterNetwork[0].cidr: Invalid value: "198.19.0.0/17": overlaps networking.serviceNetwork[0], which is 198.19.0.0/16`},
		{"join subnet", set("198.19.128.0/17", "100.64.0.0/17"), `overlaps 100.64.0.0/16, the join subnet of OVNKubernetes`},
		{"host prefix", set("hostPrefix: 24", "hostPrefix: 16"), `networking.clusterNetwork[0].hostPrefix: Invalid value: 16: must be between 17`},
		{"huge service network", set("198.19.128.0/17", "16.0.0.0/8"), `must not be larger than /12`},
		{"SDN", set("networking:", "networking:\n  networkType: OpenShiftSDN"), `was removed from OpenShift`},
		{"IPv6 services only", set("198.19.128.0/17", "fd02::/112"), `networking.machineNetwork: Invalid value: "198.18.0.0/24": must have an IPv6 network`},
		{"two masters", set("replicas: 3", "replicas: 2"), "controlPlane.replicas: Invalid value: 2: two members"},
		{"no master", set("replicas: 3", "replicas: 0"), "controlPlane.replicas: Invalid value: 0: there must be at least one"},
		{"pool name", set("name: worker", "name: infra"), `compute[0].name: Unsupported value: "infra": supported values: "worker"`},
		{"architecture", set("name: master", "name: master\n  architecture: arm64"), `controlPlane.architecture: Unsupported value: "arm64": supported values: "amd64"`},
		{"pool of another platform", set("platform: {}", "platform: {baremetal: {}}"), `compute[0].platform.baremetal: Invalid value: "baremetal": the cluster's platform is ovirt`},
		{"two platforms", set("platform:\n  ovirt:\n    ovirt_c", "platform:\n  none: {}\n  ovirt:\n    ovirt_c"), `platform: Invalid value: "ovirt": only one platform`},
		{"no platform", set("platform:\n  ovirt:\n    ovirt_cluster_id", "platform:\n  none:\n    ovirt_cluster_id"), "unknown key"},
		{"no cluster", set("    ovirt_cluster_id: 6b2b1c7e-0000-4000-8000-000000000001\n", ""), "c.yaml:25:3: platform.ovirt.ovirt_cluster_id: Required value: the UUID of the oVirt cluster"},
		{"cluster is no UUID", set("6b2b1c7e-0000-4000-8000-000000000001", "Default"), `platform.ovirt.ovirt_cluster_id: Invalid value: "Default": must be a UUID`},
		{"no API VIP", set("    api_vip: 198.18.0.10\n", ""), "c.yaml:25:3: platform.ovirt.api_vips: Required value: a free address in machineNetwork"},
		{"VIP outside", set("198.18.0.10", "198.18.1.10"), `c.yaml:28:14: platform.ovirt.api_vips: Invalid value: "198.18.1.10": is in none of networking.machineNetwork: 198.18.0.0/24`},
		{"equal VIPs", set("198.18.0.11", "198.18.0.10"), `platform.ovirt.api_vips: Invalid value: "198.18.0.10": is also one of ingress_vips`},
		{"both forms of a VIP", set("api_vip: 198.18.0.10", "api_vip: 198.18.0.10\n    api_vips: [198.18.0.12]"), `platform.ovirt.api_vips: Invalid value: "198.18.0.10": is what api_vip`},
		{"two VIPs of a family", set("- 198.18.0.11", "- 198.18.0.11\n    - 198.18.0.12"), "platform.ovirt.ingress_vips: Invalid value"},
		{"instance type and memory", set("memoryMB: 2048", "memoryMB: 2048\n      instanceTypeID: 6b2b1c7e-0000-4000-8000-000000000002"), "platform.ovirt.defaultMachinePlatform.instanceTypeID: Invalid value"},
		{"negative memory", set("memoryMB: 2048", "memoryMB: -1"), "platform.ovirt.defaultMachinePlatform.memoryMB: Invalid value: -1"},
		{"VM type", set("memoryMB: 2048", "vmType: tiny"), `platform.ovirt.defaultMachinePlatform.vmType: Invalid value: "tiny"`},
		{"hugepages", set("memoryMB: 2048", "hugepages: 4"), "defaultMachinePlatform.hugepages: Unsupported value: 4"},
		{"no disk", set("memoryMB: 2048", "osDisk: {sizeGB: 0}"), "defaultMachinePlatform.osDisk.sizeGB: Invalid value: 0: must be between 1"},
		{"unknown affinity group", set("cpu: {cores: 2}", "affinityGroupsNames: [x]"), `controlPlane.platform.ovirt.affinityGroupsNames: Invalid value: "x"`},
		{"priority", set("    api_vip:", "    affinityGroups: [{name: a, priority: 9}]\n    api_vip:"), "platform.ovirt.affinityGroups[0].priority: Invalid value: 9: must be between 0 and 5"},
		{"affinity group twice", set("    api_vip:", "    affinityGroups: [{name: a}, {name: a, priority: 1}]\n    api_vip:"), `platform.ovirt.affinityGroups[1].name: Duplicate value: "a"`},
		{"no pull secret", good[:strings.Index(good, "pullSecret")], "c.yaml: pullSecret: Required value"},
		{"pull secret is no JSON", set(`'{"auths"`, `'{auths"`), `c.yaml:33:13: pullSecret: Invalid value: "(hidden)": must be JSON`},
		{"pull secret without logins", set(`{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}`, `{}`), "auths must name at least one registry"},
		{"login not base64", set("dXNlcjpwYXNzd29yZA==", "user:password"), `auth in the entry for "registry.test:5000" must be the base64 form`},
		{"pull secret unquoted", set(`'{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'`, `{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}`), `pullSecret: Invalid value: "(hidden)": must be text`},
		{"SSH key", good + "sshKey: ssh-rsa nonsense\n", "sshKey: Invalid value"},
		{"private SSH key", good + "sshKey: '-----BEGIN OPENSSH PRIVATE KEY-----'\n", "this is a private key"},
		{"FIPS and ed25519", good + "fips: true\nsshKey: " + edKey + "\n", "FIPS allows RSA and ECDSA keys only"},
		{"trust bundle", good + "additionalTrustBundle: hello\n", "additionalTrustBundle: Invalid value: \"...\": block 1 is not PEM"},
		{"trust policy", good + "additionalTrustBundlePolicy: Sometimes\n", `additionalTrustBundlePolicy: Invalid value: "Sometimes": must be one of Proxyonly, Always`},
		{"empty proxy", good + "proxy: {noProxy: a}\n", "proxy: Required value: set httpProxy or httpsProxy"},
		{"proxy scheme", good + "proxy: {httpProxy: 'https://p:1'}\n", `proxy.httpProxy: Unsupported value: "https"`},
		{"noProxy", good + "proxy: {httpProxy: 'http://p:1', noProxy: 'a, b'}\n", "must not contain spaces"},
		{"mirror with tag", good + "imageDigestSources: [{source: 'quay.io/a/b:latest'}]\n", "imageDigestSources[0].source: Invalid value"},
		{"internal", good + "publish: Internal\n", `publish: Invalid value: "Internal"`},
		{"feature set", good + "featureSet: Maybe\n", "featureSet: Unsupported value"},
		{"feature gates", good + "featureGates: [A=true]\n", "featureGates: Forbidden: needs featureSet: CustomNoUpgrade"},
		{"capability", good + "capabilities: {baselineCapabilitySet: v4.14, additionalEnabledCapabilities: [x]}\n", "capabilities.additionalEnabledCapabilities[0]: Unsupported value: \"x\""},
		{"no baremetal", good + "capabilities: {baselineCapabilitySet: None, additionalEnabledCapabilities: [Ingress, MachineAPI]}\n", "baremetal must be enabled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, r := Load("c.yaml", []byte(tt.config))
			if c != nil || !r.Failed() {
				t.Fatal("was accepted")
			}
			if got := r.Err().Error(); !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if strings.Contains(r.Err().Error(), "dXNlcjpwYXNz") {
				t.Error("the message shows a secret")
			}
		})
	}
}

func TestLoadFindsAllAtOnce(t *testing.T) {
	config := strings.NewReplacer("baseDomain", "baseDomian", "198.18.0.11", "198.18.9.11", "replicas: 2", "replicas: x").Replace(good)
	_, r := Load("c.yaml", []byte(config))
	lines := r.Lines(false)
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "c.yaml:5:1") {
		t.Errorf("%d findings:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

func TestLegacyNames(t *testing.T) {
	config := strings.Replace(good, good[strings.Index(good, "networking:"):strings.Index(good, "controlPlane:")],
		"networking: {type: OVNKubernetes, machineCIDR: 198.18.0.0/24, serviceCIDR: 198.19.128.0/17, clusterNetworks: [{cidr: 198.19.0.0/17, hostSubnetLength: 8}]}\n"+
			"imageContentSources: [{source: quay.io/okd/scos, mirrors: ['registry.test:5000/okd/scos']}]\n", 1)
	config = strings.Replace(config, "apiVersion: v1", "apiVersion: v1beta4", 1)
	c, r := Load("c.yaml", []byte(config))
	if r.Failed() {
		t.Fatal(r.Err())
	}
	plain, _ := Load("c.yaml", []byte(good))
	if d := cmp.Diff(plain.Networking, c.Networking, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
		t.Errorf("networking (-want +got):\n%s", d)
	}
	if len(c.Mirrors()) != 1 || len(c.ImageContentSources) != 1 || c.APIVersion != "v1" {
		t.Errorf("mirrors %v, old %v, version %s", c.ImageDigestSources, c.ImageContentSources, c.APIVersion)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a: &a [*a, *a]\n"))
	f.Add([]byte("networking: &n {clusterNetwork: [{cidr: ::/0, hostPrefix: -3}]}\nplatform: {baremetal: {hosts: [{networkConfig: {a: *n}}]}}\n"))
	f.Add([]byte("platform: {ovirt: {api_vips: [::1, 1.1.1.1, 2]}}\ncompute: [{}, null]\ncontrolPlane: {replicas: 99999999999999}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, r := Load("c.yaml", data)
		if (c == nil) != r.Failed() {
			t.Errorf("config %v, failed %v", c != nil, r.Failed())
		}
		if c != nil {
			c.Canonical()
			c.Secrets()
		}
	})
}

func TestExampleIsGood(t *testing.T) {
	data, err := os.ReadFile("../../install-config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, r := Load("install-config.example.yaml", data); r.Failed() {
		t.Error(r.Err())
	}
}

// The decoder panics on kinds of fields that it has no rule for; a field of
// every struct is tried here, so that a new one cannot surprise a user.
func TestEveryFieldIsDecodable(t *testing.T) {
	var try func(typ reflect.Type, depth int)
	try = func(typ reflect.Type, depth int) {
		d := &decoder{report: report.New("t")}
		for _, n := range []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: "x"}, {Kind: yaml.SequenceNode}, {Kind: yaml.MappingNode},
		} {
			d.decode(n, reflect.New(typ).Elem(), report.NewPath("t"), 0)
		}
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			try(typ.Elem(), depth+1)
		case reflect.Struct:
			for i := range typ.NumField() {
				if f := typ.Field(i); f.IsExported() {
					if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == "" {
						t.Errorf("%s.%s has no name", typ, f.Name)
					}
					try(f.Type, depth+1)
				}
			}
		}
	}
	try(reflect.TypeFor[InstallConfig](), 0)
}
