//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// bootServer is where the hosts fetch what they boot: a server of the operator.
var bootServer = fmt.Sprintf("%s:8080", network.Provisioner)

// TestAgentWays installs a cluster whose hosts boot in different ways, at a site that reaches
// the registries by a mirror only: the first host over the network, the second from a minimal
// image, the third from one that knows no cluster, and a medium that brings it. Virtualization
// comes from the mirror, too.
func TestAgentWays(t *testing.T) {
	l := newLab(t, "agent-ways")
	l.withVirtualization(t)
	s := center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3}
	a := newAgents(t, l, s)
	if *have == "" {
		l.up(t)
		t.Cleanup(func() {
			if t.Failed() {
				l.consoles(t)
			}
		})
		a.installByWays(t, s)
	}
	step(t, "Ways", func(t *testing.T) { a.bootedByWays(t) })
	step(t, "Mirror", func(t *testing.T) { a.nodesUseMirror(t) })
	step(t, "Nodes", func(t *testing.T) { a.nodesReady(t) })
	step(t, "Etcd", func(t *testing.T) { a.etcdVotes(t) })
	step(t, "Network", func(t *testing.T) { a.staticNetwork(t) })
	step(t, "NothingOfTheLiveSystem", func(t *testing.T) { a.nothingLive(t) })
	step(t, "Workload", func(t *testing.T) { a.workload(t) })
	step(t, "Virtualization", func(t *testing.T) { a.virtualizationFromMirror(t) })
}

func (a *agents) installByWays(t *testing.T, s center.ClusterSize) {
	step(t, "Images", func(t *testing.T) {
		a.prepare(t, s)
		a.behindMirror(t)
		a.change(t, "agent-config.yaml", map[string]any{
			"bootArtifactsBaseURL": "http://" + bootServer, "minimalISO": true,
		})
		for _, name := range []string{"registry", network.Quay, network.PublicCatalogs} {
			a.okdLab(t, "fault", "service", name, "off")
		}
		for _, args := range [][]string{
			{"image"}, {"pxe-files"}, {"unconfigured-ignition", "--iso"}, {"config-image"},
		} {
			r := a.finish(t, 5*time.Minute, 0, a.dir, append([]string{"agent", "create"}, args...)...)
			a.runs = append(a.runs, r)
			measured(t, "agent create %s: %.0f s", args[0], r.took.Seconds())
		}
	})
	a.serveBoot(t)
	step(t, "Boot", func(t *testing.T) { a.bootByWays(t) })
	step(t, "Installation", func(t *testing.T) {
		wait := a.start(t, a.dir, nil, "agent", "wait-for", "install-complete")
		a.runs = append(a.runs, wait)
		a.liveSystemsUseMirror(t)
		if code := wait.end(t, installBudget); code != 0 {
			t.Fatalf("%s: exit code %d, want 0\n%s", wait, code, last(wait.stderr.String(), 20))
		}
		measured(t, "agent, three ways to boot: install complete after %.0f s", time.Since(a.began).Seconds())
	})
}

// change sets fields of a file in the cluster's directory.
func (a *agents) change(t *testing.T, file string, fields map[string]any) {
	t.Helper()
	path := filepath.Join(a.dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		config[name] = value
	}
	if data, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

var mirrorHost = fmt.Sprintf("%s:%d", network.MirrorName, network.MirrorPort)

// behindMirror makes the cluster one of a disconnected site: it has a login for the mirror only.
func (a *agents) behindMirror(t *testing.T) {
	t.Helper()
	f := a.facts(t)
	release, _, _ := strings.Cut(a.release(t).PullSpec, "@")
	login := base64.StdEncoding.EncodeToString([]byte(f.Registry.User + ":" + f.Registry.Password))
	pull, err := json.Marshal(map[string]any{"auths": map[string]any{mirrorHost: map[string]any{"auth": login}}})
	if err != nil {
		t.Fatal(err)
	}
	var sources []any
	add := func(source, mirror string) {
		sources = append(sources, map[string]any{"source": source, "mirrors": []any{mirror}})
	}
	for _, source := range []string{release, f.Registry.Host + "/okd/content"} {
		add(source, strings.Replace(source, f.Registry.Host, mirrorHost, 1))
	}
	// The lab's registry has what comes from elsewhere under the names of these registries.
	for _, source := range []string{
		network.PublicCatalogs + "/redhat", network.Quay + "/okd-lab", network.Quay + "/kubevirt",
		network.Quay + "/containerdisks",
	} {
		add(source, mirrorHost+"/"+source)
	}
	a.change(t, "install-config.yaml", map[string]any{"pullSecret": string(pull), "imageDigestSources": sources})
}

// bootByWays inserts, names or serves what each host boots, and switches all on.
func (a *agents) bootByWays(t *testing.T) {
	t.Helper()
	conf := filepath.Join(a.work, "boot.conf")
	if err := os.WriteFile(conf, []byte("dhcp-boot=http://"+bootServer+"/agent.x86_64.ipxe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.okdLab(t, "dns", "set", "boot", conf)
	pxe, minimal, unconfigured := a.hosts[0].Name, a.hosts[1].Name, a.hosts[2].Name
	a.okdLab(t, "hosts", "boot", pxe, "--order", "disk,pxe")
	a.okdLab(t, "hosts", "media", "insert", minimal, filepath.Join(a.dir, "agent.x86_64.iso"))
	a.okdLab(t, "hosts", "media", "insert", unconfigured, filepath.Join(a.dir, "unconfigured-agent.x86_64.iso"))
	a.okdLab(t, "hosts", "media", "insert", unconfigured, filepath.Join(a.dir, "agentconfig.noarch.iso"), "--slot", "2")
	a.began = time.Now()
	a.okdLab(t, "hosts", "power", "on", pxe, minimal, unconfigured)
}

// serveBoot serves boot-artifacts until the test ends.
func (a *agents) serveBoot(t *testing.T) {
	t.Helper()
	host, port, _ := strings.Cut(bootServer, ":")
	cmd := a.command(context.WithoutCancel(t.Context()), "exec", "--", "python3", "-m", "http.server", port,
		"--bind", host,
		"--directory", filepath.Join(a.dir, "boot-artifacts"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	client := &http.Client{Transport: &http.Transport{DialContext: a.dial}}
	eventually(t, 30*time.Second, func() string {
		resp, err := client.Get("http://" + bootServer + "/")
		if err != nil {
			return err.Error()
		}
		resp.Body.Close()
		return ""
	})
}

// liveSystemsUseMirror checks that all hosts, however they booted, know where images are.
func (a *agents) liveSystemsUseMirror(t *testing.T) {
	t.Helper()
	for _, h := range a.hosts {
		eventually(t, 3*time.Minute, func() string {
			out, err := a.on(t, h.Name, "test -d /etc/okd-agent && cat /etc/containers/registries.conf.d/*.conf")
			if err != nil {
				return err.Error()
			}
			if !strings.Contains(out, mirrorHost+"/") {
				return h.Name + " has no mirror:\n" + out
			}
			return ""
		})
	}
}

// bootedByWays looks on the consoles for what each host booted.
func (a *agents) bootedByWays(t *testing.T) {
	for i, words := range [][]string{
		{"starting from the network", "/agent.x86_64.ipxe names",
			"fetching http://" + bootServer + "/agent.x86_64-rootfs.img"},
		{"starting from the medium", "fetching http://" + bootServer + "/agent.x86_64-rootfs.img"},
		{"starting from the medium", `msg="this host has a configuration" from=/dev/sr1`},
	} {
		name := a.hosts[i].Name
		console := a.okdLab(t, "hosts", "console", name)
		for _, want := range words {
			if !strings.Contains(console, want) {
				t.Errorf("the console of %s does not have %q", name, want)
			}
		}
	}
}

// nodesUseMirror checks the nodes' settings. That the registry itself was cut off all the time
// is the proof that they work.
func (a *agents) nodesUseMirror(t *testing.T) {
	for _, h := range a.hosts {
		out, err := a.on(t, h.Name, "cat /etc/containers/registries.conf")
		if err != nil || !strings.Contains(out, mirrorHost+"/") {
			t.Errorf("registries.conf of %s: %v\n%s", h.Name, err, out)
		}
	}
	if out := a.kubectl(t, "get", "imagedigestmirrorsets", "-o", "yaml"); !strings.Contains(out, mirrorHost+"/") {
		t.Errorf("the cluster does not know the mirror:\n%s", out)
	}
}

// virtualizationFromMirror deploys the stack while all registries but the mirror are cut off. The lab's CDI cannot read
// a digest where a login is needed, as the nodes of a real one do for it, so that no image is imported.
func (a *agents) virtualizationFromMirror(t *testing.T) {
	v := a.withStack(t, emulated+"goldenImages: {enabled: false}\n")
	r := v.finish(t, stackBudget, 0, v.dir, "virtualization", "deploy")
	v.deployed(t, r)
	if want := "from " + mirrorHost + "/" + network.Quay + "/containerdisks/"; !strings.Contains(r.stderr.String(), want) {
		t.Errorf("the test does not say %q:\n%s", want, last(r.stderr.String(), 25))
	}
	out := v.kubectl(t, "get", "catalogsources", "--namespace", "openshift-marketplace",
		"--output=jsonpath={.items[*].spec.image}")
	if !strings.Contains(out, mirrorHost+"/") {
		t.Errorf("no catalog is from the mirror: %s", out)
	}
}
