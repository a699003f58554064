package addnodes_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
)

type object = map[string]any

// read reads a cluster that is a little different from the running one.
func read(t *testing.T, change func(kubetest.Objects), roles ...string) (*addnodes.Cluster, error) {
	t.Helper()
	objects := kubetest.Running()
	if change != nil {
		change(objects)
	}
	server := httptest.NewServer(objects)
	t.Cleanup(server.Close)
	api, err := kube.New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return addnodes.Read(t.Context(), api, roles...)
}

func load(t *testing.T, text string) *typesagent.NodesConfig {
	t.Helper()
	c, findings := typesagent.LoadNodes(typesagent.NodesFile, []byte(text))
	if c == nil {
		t.Fatal(findings.Err())
	}
	return c
}

const nodes = `cpuArchitecture: x86_64
hosts:
- hostname: worker-1
  rootDeviceHints: {deviceName: /dev/sda}
  interfaces: [{name: eno1, macAddress: "52:54:00:00:00:AA"}]
  networkConfig:
    interfaces:
    - {name: eno1, type: ethernet, state: up,
       ipv4: {enabled: true, dhcp: false, address: [{ip: 192.0.2.21, prefix-length: 24}]}}
- role: master
  interfaces: [{macAddress: "52:54:00:00:00:bb"}]
`

// The golden file shows what hosts are told.
func TestLive(t *testing.T) {
	n := load(t, nodes)
	c, err := read(t, nil, addnodes.Roles(n)...)
	if err != nil {
		t.Fatal(err)
	}
	if findings := c.Check(n); findings.Failed() {
		t.Fatal(findings.Err())
	}
	access := addnodes.Access{
		Image: "IMAGE", CA: "ca", Certificate: "certificate", Key: "key", Agent: secret.New("agent"),
		Watcher: secret.New("watcher"), Expires: time.Date(2026, 1, 4, 3, 4, 5, 0, time.UTC),
	}
	in, err := c.Live(n, access, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	show := func(what string, v any) {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "== %s\n%s\n", what, text)
	}
	show("node agent", in.Agent)
	for _, name := range slices.Sorted(maps.Keys(in.Configs)) {
		fmt.Fprintf(&out, "== %s\n%s\n", name, in.Configs[name])
	}
	for _, f := range in.Keyfiles {
		fmt.Fprintf(&out, "== %s\n%s\n", f.Name, f.Data)
	}
	fmt.Fprintf(&out, "== registries.conf\n%s\n== authorities\n%s\n", in.Registries, in.Bundle)
	show("proxy", in.Proxy)
	show("SSH keys", in.SSHKeys)
	golden.Compare(t, "testdata/live.txt", out.String())
	if in.PullSecret.Reveal() != `{"auths":{"mirror.test":{"auth":"dXNlcjpwdWxsLXNlY3JldA=="}}}` {
		t.Error("another pull secret")
	}
	if c.Stream == nil || c.Stream.Stream != "okd-test" {
		t.Errorf("boot images %+v", c.Stream)
	}
	if hidden := fmt.Sprint(len(c.Secrets())); hidden < "2" {
		t.Errorf("%s secrets", hidden)
	}
}

// Each of these clusters lacks something, or says it in another way.
func TestRead(t *testing.T) {
	const (
		api     = "/api/v1/namespaces/"
		config  = "/apis/config.openshift.io/v1/"
		managed = api + "openshift-machine-api/secrets/worker-user-data-managed"
		infra   = config + "infrastructures/cluster"
		plain   = api + "kube-system/configmaps/cluster-config-v1"
	)
	without := func(paths ...string) func(kubetest.Objects) {
		return func(o kubetest.Objects) {
			for _, p := range paths {
				delete(o, p)
			}
		}
	}
	set := func(path string, v any) func(kubetest.Objects) { return func(o kubetest.Objects) { o[path] = v } }
	for _, tt := range []struct {
		name   string
		change func(kubetest.Objects)
		want   string // of the error
		check  func(*addnodes.Cluster) bool
	}{
		{"no version", without(config + "clusterversions/version"), "clusterversions/version", nil},
		{"incomplete", set(config+"clusterversions/version", object{"status": object{"history": []object{
			{"state": "Partial", "image": "a"}}}}), "no release has been installed completely", nil},
		{"no infrastructure", without(infra), "infrastructures/cluster", nil},
		{"no pull secret", without(api + "openshift-config/secrets/pull-secret"),
			"secrets openshift-config/pull-secret", nil},
		{"no domain", set(config+"dnses/cluster", object{}), "spec.baseDomain is \"\"", nil},
		{"no boot images", without(api + "openshift-machine-config-operator/configmaps/coreos-bootimages"), "",
			func(c *addnodes.Cluster) bool { return c.Stream == nil }},
		{"broken boot images", set(api+"openshift-machine-config-operator/configmaps/coreos-bootimages",
			object{"data": object{"stream": "{"}}), "coreos-bootimages: key stream", nil},
		{"no proxy", without(config + "proxies/cluster"), "", func(c *addnodes.Cluster) bool { return c.Proxy == nil }},
		{"no mirrors", without(config+"imagedigestmirrorsets", config+"imagedigestmirrorsets/okd",
			"/apis/operator.openshift.io/v1alpha1/imagecontentsourcepolicies"), "",
			func(c *addnodes.Cluster) bool { return len(c.Mirrors) == 0 }},
		{"no pool", without("/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker"), "",
			func(c *addnodes.Cluster) bool { return slices.Equal(c.SSHKeys, []string{"ssh-ed25519 AAAA installed"}) }},
		{"no rendered config", without("/apis/machineconfiguration.openshift.io/v1/machineconfigs/rendered-worker-1"),
			"machineconfigs/rendered-worker-1", nil},
		{"no machine API", without(managed), "", func(c *addnodes.Cluster) bool {
			source, ca, err := addnodes.Endpoint(c.Pointers["worker"])
			return err == nil && source == "https://api-int.demo.okd.test:22623/config/worker" && strings.Contains(ca, "BEGIN")
		}},
		{"no authority", without(managed, api+"kube-system/configmaps/root-ca"),
			"neither Secret openshift-machine-api/worker-user-data-managed nor worker-user-data", nil},
		{"user data without TLS", set(managed, object{"data": object{"userData": []byte(
			`{"ignition":{"version":"3.2.0","config":{"merge":[{"source":"http://192.0.2.5:22624/config/worker"}]}}}`)}}),
			"no machine config server with TLS", nil},
		{"no machine networks", func(o kubetest.Objects) {
			o[infra].(object)["spec"] = object{}
			delete(o, plain)
		}, "machine networks: neither", nil},
		{"machine networks of the installation", func(o kubetest.Objects) { o[infra].(object)["spec"] = object{} }, "",
			func(c *addnodes.Cluster) bool { return c.MachineNetworks[0].String() == "198.51.100.0/24" }},
		{"without virtual addresses", func(o kubetest.Objects) {
			o[infra].(object)["status"].(object)["platformStatus"] = object{"type": "None"}
		}, "", func(c *addnodes.Cluster) bool {
			return c.ResolvedByOthers && len(c.APIVIPs) == 0 && c.InternalAPI == "api-int.demo.okd.test:6443"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, tt.change, "worker")
			switch {
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || exit.Next(err) == ""):
				t.Errorf("got %v (%s)", err, exit.Next(err))
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.check != nil && !tt.check(c):
				t.Errorf("got %+v", c)
			}
		})
	}
	// Everything that is missing is named at once.
	_, err := read(t, without(managed, api+"kube-system/configmaps/root-ca", api+"openshift-config/secrets/pull-secret"),
		"worker")
	if err == nil || !strings.Contains(err.Error(), "pull-secret") || !strings.Contains(err.Error(), "root-ca") {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	c, err := read(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := func(ip string) string {
		return `interfaces: [{name: a, macAddress: "52:54:00:00:00:0` + ip[len(ip)-1:] + `"}], networkConfig: {interfaces: ` +
			`[{name: a, type: ethernet, state: up, ipv4: {enabled: true, address: [{ip: ` + ip + `, prefix-length: 24}]}}]}`
	}
	for _, tt := range []struct{ name, hosts, want string }{
		{"name of a node", `{hostname: worker-0, interfaces: [{macAddress: "52:54:00:00:00:01"}]}`,
			"hosts[0].hostname: Duplicate"},
		{"address of a node", "{" + host("192.0.2.20") + "}", "is the address of node worker-0"},
		{"virtual address", "{" + host("192.0.2.6") + "}", "is a virtual address of the cluster"},
		{"address twice", "{" + host("192.0.2.31") + "}, {hostname: b, interfaces: [{name: a, macAddress: " +
			`"52:54:00:00:00:09"}], networkConfig: {interfaces: [{name: a, type: ethernet, state: up, ipv4: {enabled: true, ` +
			"address: [{ip: 192.0.2.31, prefix-length: 24}]}}]}}", "hosts[1]"},
		{"elsewhere", "{" + host("10.9.9.1") + "}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := c.Check(load(t, "hosts: ["+tt.hosts+"]\n"))
			got := strings.Join(r.Lines(false), "\n")
			if r.Failed() != (tt.want != "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %s", got)
			}
		})
	}
	c.HighlyAvailable = false
	r := c.Check(load(t, `hosts: [{role: master, interfaces: [{macAddress: "52:54:00:00:00:01"}]}]`))
	if !r.Failed() {
		t.Error("a second master for a single node")
	}
}

func TestRecord(t *testing.T) {
	n := load(t, nodes)
	c, err := read(t, nil, "worker")
	if err != nil {
		t.Fatal(err)
	}
	a, err := addnodes.NewAccess(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if a.Agent == a.Watcher || len(a.Agent.Reveal()) < 40 || a.Image == "" {
		t.Errorf("access %+v", a)
	}
	want := c.Record(n, a)
	raw, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := addnodes.DecodeRecord(raw)
	if err != nil || !cmp.Equal(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)) || got.Watcher != a.Watcher {
		t.Errorf("%v, got %+v", err, got)
	}
	if h := got.Hosts[0]; h.Hostname != "worker-1" || h.Addresses[0].String() != "192.0.2.21" ||
		h.MACs[0] != "52:54:00:00:00:aa" {
		t.Errorf("host %+v", h)
	}
	if strings.Contains(string(raw), a.Agent.Reveal()) {
		t.Error("the record has the token of hosts")
	}
}

// FuzzEndpoint looks for user data that make the installer panic.
func FuzzEndpoint(f *testing.F) {
	for _, text := range []string{"", "{}", `{"ignition":{"version":"3.2.0"}}`, `{"ignition":{"version":"3.2.0",` +
		`"config":{"merge":[{"source":"https://a:22623/config/worker"}]},` +
		`"security":{"tls":{"certificateAuthorities":[{"source":"data:,a","compression":"gzip"}]}}}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		source, ca, err := addnodes.Endpoint(raw)
		if err == nil && (!strings.HasPrefix(source, "https://") || !strings.Contains(ca, "BEGIN CERTIFICATE")) {
			t.Errorf("%q, %q", source, ca)
		}
	})
}
