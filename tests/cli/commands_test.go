package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

const noVirtualization = "apiVersion: " + virtualization.APIVersion + "\nkind: " + virtualization.Kind +
	"\nenabled: false\n"

// config writes an install-config for this world: config DIR [WORKERS [cold]], and a
// virtualization.yaml that leaves virtualization out, which the world's clusters cannot have.
// Unless the directory is to be cold, it gets a state with keys as well.
func config(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	workers := "1"
	if len(args) > 1 {
		workers = args[1]
	}
	ids := w.engine.IDs()
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	text := w.installConfig(workers, ids.Cluster, ids.Domains["data1"])
	ts.Check(os.WriteFile(filepath.Join(dir, "install-config.yaml"), []byte(text), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, virtualization.File), []byte(noVirtualization), 0o600))
	state := filepath.Join(dir, ".openshift_install_state.json")
	if _, err := os.Stat(state); err != nil && len(args) < 3 {
		ts.Check(os.WriteFile(state, warm, 0o600))
	}
}

func (w *world) installConfig(workers, clusterID, domainID string) string {
	bundle := ""
	if w.ca.Cert != nil {
		bundle = "additionalTrustBundlePolicy: Always\nadditionalTrustBundle: |\n  " +
			strings.ReplaceAll(strings.TrimSpace(string(w.ca.Cert)), "\n", "\n  ") + "\n"
	}
	return fmt.Sprintf(`apiVersion: v1
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
  replicas: 1
compute:
- name: worker
  replicas: %s
platform:
  ovirt:
    ovirt_cluster_id: %s
    ovirt_storage_domain_id: %s
    ovirt_network_name: ovirtmgmt
    api_vips:
    - %s
    ingress_vips:
    - %s
%spullSecret: '%s'
`, w.addr(0), workers, clusterID, domainID, w.addr(10), w.addr(11), bundle, pullSecret(w.registry, registryPassword))
}

// replace edits a file: replace FILE OLD NEW
func replace(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	unquote := func(s string) string { return strings.ReplaceAll(s, `\n`, "\n") }
	if !strings.Contains(string(data), unquote(args[1])) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(string(data), unquote(args[1]), unquote(args[2]), 1)), 0o600))
}

// inventory writes what the engine has, in readable form and without IDs:
// inventory FILE
func inventory(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(picture(w.engine.Inventory())), 0o600))
}

// picture describes an inventory; the infrastructure ID is replaced by INFRA.
func picture(inv engine.Inventory) string {
	var lines []string
	add := func(format string, a ...any) { lines = append(lines, fmt.Sprintf(format, a...)) }
	tags, vms := map[string]string{}, map[string]string{}
	infra := ""
	for _, t := range inv.Tags {
		tags[t.ID] = t.Name
		if name, is := strings.CutSuffix(t.Name, "-bootstrap"); is || infra == "" {
			infra = name
		}
		add("tag %s", t.Name)
	}
	for _, vm := range inv.VMs {
		vms[vm.ID] = vm.Name
		var names []string
		for _, id := range vm.Tags {
			names = append(names, tags[id])
		}
		add("vm %s %s disks=%d nics=%d tags=%v", vm.Name, vm.Status, len(vm.Disks), len(vm.NICs), names)
	}
	for _, d := range inv.Disks {
		add("disk %s %s", d.Alias, d.Status)
	}
	for _, t := range inv.Templates {
		add("template %s", t.Name)
	}
	for _, g := range inv.AffinityGroups {
		var names []string
		for _, id := range g.VMs {
			names = append(names, vms[id])
		}
		slices.Sort(names)
		add("group %s %v", g.Name, names)
	}
	text := strings.Join(lines, "\n")
	if infra != "" {
		text = strings.ReplaceAll(text, infra, "INFRA")
	}
	lines = strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// untouched checks that the engine has exactly what it had when the script began.
func untouched(ts *testscript.TestScript, neg bool, _ []string) {
	w := worldOf(ts)
	if now := w.engine.Inventory(); enginetest.Same(w.first, now) == neg {
		ts.Fatalf("the engine has:\n%s", picture(now))
	}
}

// fault makes the engine refuse requests: fault METHOD PATH STATUS DETAIL. Without
// arguments it removes all faults.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if len(args) == 0 {
		w.engine.Heal("")
		return
	}
	if len(args) != 4 {
		ts.Fatalf("usage: fault METHOD PATH STATUS DETAIL")
	}
	status, err := strconv.Atoi(args[2])
	ts.Check(err)
	w.engine.Inject(engine.Fault{
		Method: args[0], Path: args[1], Status: status, Reason: "Operation Failed", Detail: args[3], Count: -1,
	})
}

// clusterCommand lets the cluster proceed as far as a milestone, puts another server
// on its address, takes its API away or brings it back: cluster
// MILESTONE|occupied|gone|back
//
// Where no engine boots the cluster: cluster boot DIR. For a node that joins: cluster
// request NODE, and cluster approved NODE, which may be negated; cluster joined NODE....
func clusterCommand(ts *testscript.TestScript, neg bool, args []string) {
	c := worldOf(ts).cluster
	switch args[0] {
	case "boot":
		c.boot(engine.Hardware{UserData: []byte(ts.ReadFile(filepath.Join(args[1], "bootstrap.ign")))})
	case "request":
		ts.Check(c.request(args[1]))
	case "joined":
		c.mu.Lock()
		c.joined = args[1:]
		c.mu.Unlock()
	case "approved":
		if c.approved(args[1]) == neg {
			ts.Fatalf("request of %s: approved: %v", args[1], !neg)
		}
	case "occupied":
		ts.Check(c.occupy())
	case "gone":
		c.stop()
	case "back":
		ts.Check(c.back())
	default:
		ts.Check(c.upTo(args[0]))
	}
}

// jsonLines checks that every line of a file or of stderr is a JSON object with
// the given keys: jsonlines FILE KEY...
func jsonLines(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for _, line := range lines {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			ts.Fatalf("%q: %v", line, err)
		}
		for _, key := range args[1:] {
			if record[key] == nil || record[key] == "" {
				ts.Fatalf("no %s in %s", key, line)
			}
		}
	}
}

// dot checks that a file is a graph in DOT with at least so many edges:
// dot FILE MINIMUM
func dot(ts *testscript.TestScript, _ bool, args []string) {
	least, err := strconv.Atoi(args[1])
	ts.Check(err)
	edges, err := parseDot(ts.ReadFile(args[0]))
	ts.Check(err)
	if edges < least {
		ts.Fatalf("%d edges, want at least %d", edges, least)
	}
}

// parseDot reads the subset of DOT that the program writes: one statement per line,
// names in quotes.
func parseDot(text string) (edges int, err error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "digraph ") || lines[len(lines)-1] != "}" {
		return 0, errors.New("not a digraph")
	}
	for n, line := range lines[1 : len(lines)-1] {
		rest := strings.TrimSpace(line)
		var names []string
		for strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return 0, fmt.Errorf("line %d: %w", n+2, err)
			}
			names = append(names, quoted)
			rest = strings.TrimSpace(rest[len(quoted):])
			var arrow bool
			if rest, arrow = strings.CutPrefix(rest, "->"); !arrow {
				break
			}
			rest = strings.TrimSpace(rest)
		}
		if len(names) == 2 {
			edges++
		}
		if rest != "" && rest != ";" && rest != "}" && !strings.Contains(rest, "=") && !strings.HasSuffix(rest, "{") {
			return 0, fmt.Errorf("line %d: %q", n+2, line)
		}
	}
	return edges, nil
}

// infraID prints the infrastructure ID of a directory, and sets INFRA: infraid DIR
func infraID(ts *testscript.TestScript, _ bool, args []string) {
	var meta struct {
		InfraID string `json:"infraID"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(args[0], "metadata.json"))), &meta))
	if meta.InfraID == "" {
		ts.Fatalf("no infraID")
	}
	ts.Setenv("INFRA", meta.InfraID)
	_, _ = io.WriteString(ts.Stdout(), meta.InfraID+"\n")
}
