package bootstrap_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ign "github.com/coreos/ignition/v2/config/v3_2/types"

	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
)

func agentInputs(t *testing.T) bootstrap.Inputs {
	t.Helper()
	in := testInputs(t)
	in.Agent = true
	return in
}

func pathsOf(c ign.Config) (files, units []string) {
	for _, f := range c.Storage.Files {
		files = append(files, f.Path)
	}
	for _, u := range c.Systemd.Units {
		units = append(units, u.Name)
	}
	return files, units
}

// TestAgentConfig compares the config for a live system that is running with the one for
// a host of its own.
func TestAgentConfig(t *testing.T) {
	t.Parallel()
	in := agentInputs(t)
	in.Config.FIPS = true
	plain := testInputs(t)
	plain.Config.FIPS = true
	c, other := render(t, in), render(t, plain)
	files, units := pathsOf(c)
	ordinary, ordinaryUnits := pathsOf(other)
	var gone, more []string
	for _, path := range ordinary {
		if !slices.Contains(files, path) {
			gone = append(gone, path)
		}
	}
	for _, path := range files {
		if !slices.Contains(ordinary, path) {
			more = append(more, path)
		}
	}
	if want := []string{
		"/etc/hostname", "/etc/ignition-machine-config-encapsulated.json",
		"/etc/systemd/system-generators/node-image-overlay-generator",
	}; !slices.Equal(gone, want) {
		t.Errorf("without %q, want without %q", gone, want)
	}
	const objects = "/opt/openshift/agent-approver-objects/"
	if want := []string{
		objects + "1-namespace.yaml", objects + "2-serviceaccount.yaml", objects + "3-clusterrole.yaml",
		objects + "4-clusterrolebinding.yaml", objects + "5-job.yaml", objects + "networks", objects + "reserved",
		"/opt/openshift/assisted-install-bootstrap",
		"/usr/local/bin/agent-approver-render.sh", "/usr/local/bin/agent-approver.sh", "/usr/local/bin/okd-bootstrap.sh",
	}; !slices.Equal(more, want) {
		t.Errorf("more: %q, want %q", more, want)
	}
	if content, mode := fileOf(t, c, "/opt/openshift/assisted-install-bootstrap"); content != "" || mode != 0o644 {
		t.Errorf("the mark for the etcd operator: %q, mode %04o", content, mode)
	}
	if networks, _ := fileOf(t, c, objects+"networks"); networks != "198.18.0.0/24\n" {
		t.Errorf("machine networks %q", networks)
	}
	for _, name := range []string{"okd-bootstrap.service", "okd-bootstrap.target"} {
		if !slices.Contains(units, name) || slices.Contains(ordinaryUnits, name) {
			t.Errorf("unit %s: %v, on other hosts %v", name, units, ordinaryUnits)
		}
	}
	for _, u := range c.Systemd.Units {
		if u.Enabled != nil {
			t.Errorf("%s is enabled, and would start before its time or never", u.Name)
		}
		// Isolating a target ends services of the live system, such as the node agent.
		for line := range strings.Lines(*u.Contents) {
			if strings.HasPrefix(line, "Exec") && strings.Contains(line, "isolate") {
				t.Errorf("%s: %s", u.Name, line)
			}
		}
	}
	if slices.Contains(units, "node-image-overlay.target") {
		t.Error("a target for the boot of a system that has booted")
	}
}

// TestAgentInPlace looks at the config of a single node, whose disk the node agent writes.
func TestAgentInPlace(t *testing.T) {
	t.Parallel()
	in := inPlaceInputs(t)
	in.Agent, in.Config.BootstrapInPlace = true, nil
	files, units := pathsOf(render(t, in))
	for _, path := range files {
		for _, part := range []string{"installation-disk", "install-to-disk", "agent-approver", "assisted-install"} {
			if strings.Contains(path, part) {
				t.Errorf("has %s", path)
			}
		}
	}
	if !slices.Contains(files, "/opt/openshift/bootstrap-in-place/master-update.fcc") {
		t.Errorf("cannot make the node's config: %q", files)
	}
	for _, name := range []string{"install-to-disk.service", "progress.service", "approve-csr.service"} {
		if slices.Contains(units, name) {
			t.Errorf("has unit %s", name)
		}
	}
	table, err := bootstrap.Stages()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range table.For(in).Stages {
		if s.Name == "agent-approver" || s.Name == "cvo-overrides" {
			t.Errorf("has stage %s", s.Name)
		}
	}
}

// TestAgentStart runs what the node agent starts, on a complete system and on a bare
// CoreOS.
func TestAgentStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		has  []string
		want string // last call
	}{
		{"not CoreOS", nil, "systemctl --no-block start okd-bootstrap.target"},
		{"a bare CoreOS", []string{"run/ostree-booted"}, "systemctl --no-block start node-image-finish.service"},
		{"half of the node image", []string{"run/ostree-booted", "usr/bin/oc"},
			"systemctl --no-block start node-image-finish.service"},
		{"a CoreOS with the node image", []string{"run/ostree-booted", "usr/bin/oc", "usr/bin/kubelet"},
			"systemctl --no-block start okd-bootstrap.target"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := hostFor(t, agentInputs(t))
			for _, tool := range []string{"systemctl", "update-ca-trust", "restorecon"} {
				h.write("bin/"+tool, fakeHostTool)
			}
			const dns = "root/etc/NetworkManager/dispatcher.d/30-local-dns-prepender"
			h.write(dns, fakeHostTool)
			h.write("root/etc/pki/ca-trust/source/anchors/ca.crt", "ca")
			h.write("root/sys/fs/selinux/enforce", "1")
			for _, path := range tt.has {
				h.write("root/"+path, "x")
			}
			for range 2 { // it may be killed, and started again
				if out, err := h.run("okd-bootstrap.sh"); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			runs := strings.Split(strings.TrimSpace(h.read("fake/host-runs")), "\n")
			if runs[len(runs)-1] != tt.want {
				t.Errorf("ran %q, want %q at last", runs, tt.want)
			}
			for call, times := range map[string]int{
				"update-ca-trust extract": 2, filepath.Base(dns) + " none up": 2, "restorecon -R -i ": 1,
			} {
				if n := strings.Count(h.read("fake/host-runs"), call); n != times {
					t.Errorf("%s ran %d times, want %d: %q", call, n, times, runs)
				}
			}
		})
	}
}

// TestAgentUnits checks that the target wants every unit that starts by itself on other
// hosts.
func TestAgentUnits(t *testing.T) {
	t.Parallel()
	target := ""
	for _, u := range render(t, agentInputs(t)).Systemd.Units {
		if u.Name == "okd-bootstrap.target" {
			target = *u.Contents
		}
	}
	for _, u := range render(t, testInputs(t)).Systemd.Units {
		if u.Enabled != nil && *u.Enabled && !strings.Contains(target, u.Name) {
			t.Errorf("nothing starts %s", u.Name)
		}
	}
}

const agentHosts = `[{"hostname":"m0","role":"master","addresses":["198.18.0.10"]},
 {"hostname":"w-1.okd.test","role":"worker","addresses":["198.18.0.11","2001:db8::1"]}]`

// approverHost has what the stage needs besides what hostFor makes.
func approverHost(t *testing.T) *host {
	t.Helper()
	in := agentInputs(t)
	h := hostFor(t, in)
	h.tags = []string{"cli"}
	h.prepare("5.0", nil)
	c := render(t, in)
	for _, f := range c.Storage.Files {
		if name, ok := strings.CutPrefix(f.Path, "/opt/openshift/agent-approver-objects/"); ok {
			content, _ := fileOf(t, c, f.Path)
			h.write("assets/agent-approver-objects/"+name, content)
		}
	}
	return h
}

func TestAgentApproverStage(t *testing.T) {
	t.Parallel()
	h := approverHost(t)
	h.write("assets/agent-hosts.json", agentHosts)
	h.boot()
	h.checkMarkers()
	job := h.read("assets/manifests/99_okd-agent_5-job.yaml")
	if !strings.Contains(job, `image: "registry.test/okd/content@sha256:cli"`) {
		t.Errorf("the Job:\n%s", job)
	}
	hosts := h.read("assets/manifests/99_okd-agent_configmap-okd-agent-hosts.yaml")
	for _, want := range []string{
		`"hosts": "m0 master 198.18.0.10\nw-1.okd.test worker 198.18.0.11 2001:db8::1\n"`,
		`"networks": "198.18.0.0/24\n"`, `"reserved": ""`, `\"hostname\":\"m0\"`,
	} {
		if !strings.Contains(hosts, want) {
			t.Errorf("no %s in\n%s", want, hosts)
		}
	}
	script := h.read("assets/manifests/99_okd-agent_configmap-okd-agent-approver.yaml")
	if !strings.Contains(script, `"#!/usr/bin/env bash\n# Approves`) {
		t.Errorf("the script:\n%s", script)
	}
	left, err := os.ReadDir(h.path("assets/agent-approver"))
	if err != nil || len(left) != 7 {
		t.Errorf("%d objects, %v", len(left), err)
	}
}

func TestAgentApproverStageRefuses(t *testing.T) {
	t.Parallel()
	h := approverHost(t)
	for _, tt := range []struct{ name, hosts, image, saying string }{
		{"no file", "", "cli", "agent-hosts.json is missing"},
		{"no image", agentHosts, "", "no image cli"},
		{"no list", `{}`, "cli", "no list of hosts"},
		{"nobody", `[]`, "cli", "no list of hosts"},
		{"half a file", `[{`, "cli", "agent-hosts.json: "},
		{"a name twice", `[{"hostname":"a","role":"worker"},{"hostname":"a","role":"master"}]`, "cli", "a is there twice"},
		{"a name for the shell", `[{"hostname":"a $(b)","role":"worker"}]`, "cli", "a $(b) is not the name of a node"},
		{"no name", `[{"role":"worker"}]`, "cli", "null is not the name of a node"},
		{"no role", `[{"hostname":"a"}]`, "cli", "a has role null"},
		{"an address that is none", `[{"hostname":"a","role":"worker","addresses":["1.2.3.4 x"]}]`, "cli",
			"a has an address that is none"},
	} {
		_ = os.Remove(h.path("assets/agent-hosts.json"))
		if tt.hosts != "" {
			h.write("assets/agent-hosts.json", tt.hosts)
		}
		out, err := h.script(h.path("lib/agent-approver-render.sh"), tt.image)
		if err == nil || !strings.Contains(out, tt.saying) {
			t.Errorf("%s: %v, %q should say %q", tt.name, err, out, tt.saying)
		}
	}
}
