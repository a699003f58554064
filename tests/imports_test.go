// Package tests has the checks of the project as a whole.
package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/okd-install/okd-install/"

// layers has the layer of each package; the longest matching prefix counts. A package
// imports lower layers only. The table is in docs/dev/architecture.md as well.
var layers = map[string]int{
	"data": 0, "pkg/atomicfile": 0,
	"pkg/testkit": 0,
	"pkg/clock":   0, "pkg/wait": 0, "pkg/report": 0, "pkg/secret": 0, "pkg/event": 0, "pkg/phase": 0, "pkg/version": 0,
	"pkg/records":    0,
	"pkg/exit":       0, // exit codes
	"pkg/pullsecret": 0, // logins

	"pkg/types": 1, "pkg/platforms/*/config": 1, "pkg/release": 1, "pkg/pki": 1, "pkg/ignition": 1, "pkg/seal": 1,
	"pkg/workdir": 1, // a directory in use
	"pkg/iso":     1, // boot media
	"pkg/phases":  1, // the table
	"pkg/nmstate": 1, // network configuration of a host
	"pkg/agent":   1, // what the parts of an agent-based installation tell each other
	"pkg/explain": 2, "pkg/asset": 2, "pkg/assets": 2, "pkg/plan": 2, "pkg/virtualization/manifests": 2,
	"pkg/ovirt": 3, "pkg/machines": 3, "pkg/osimage": 3, "pkg/kube": 3, "pkg/sshclient": 3, "pkg/redfish": 3,
	"pkg/media":     3, // what is served to BMCs
	"pkg/bootstrap": 4, "pkg/handoff": 4, "pkg/rollout": 4, "pkg/gather": 4,
	"pkg/wizard": 4, "pkg/platforms": 4, "pkg/addnodes": 4, "pkg/analyze": 4,
	"pkg/agent/inventory": 4, "pkg/agent/disk": 4, "pkg/agent/check": 4, "pkg/agent/network": 4,
	"pkg/agent/service": 4, "pkg/agent/console": 4, "pkg/agent/node": 4, "pkg/agent/client": 4,
	"pkg/agent/ignite": 4, "pkg/agent/medium": 4,
	"pkg/virtualization": 4, // the stack that runs VMs
	"pkg/install":        5, // what commands share
	"pkg/install/steps":  6, "pkg/install/releases": 6, "pkg/install/diagnose": 6,
	"pkg/install/create": 7, "pkg/install/destroy": 7, "pkg/install/waitfor": 7, "pkg/install/status": 7,
	"pkg/install/agent": 7, "pkg/install/nodes": 7, "pkg/install/virtualization": 7,
	"cmd/okd-install": 8,
	"pkg/lab":         9, // beside the installer: see labMayUse
	"cmd/okd-lab":     10, "cmd/okd-lab-release": 10, "cmd/okd-lab-ostree": 10, "cmd/okd-lab-virt": 10,
	"tests": 11,
}

// sameLayer lists the few imports within a layer.
var sameLayer = map[string][]string{
	"pkg/phase":       {"pkg/atomicfile", "pkg/clock", "pkg/event", "pkg/exit"},
	"pkg/wait":        {"pkg/clock"},
	"pkg/event":       {"pkg/secret"},
	"pkg/assets":      {"pkg/asset", "pkg/assets", "pkg/virtualization/manifests"},
	"pkg/asset":       {},
	"pkg/machines":    {"pkg/machines", "pkg/ovirt", "pkg/osimage", "pkg/redfish", "pkg/media"},
	"pkg/agent":       {"pkg/types"},
	"pkg/agent/check": {"pkg/agent/disk", "pkg/agent/inventory", "pkg/agent/client"},
	"pkg/agent/node": {
		"pkg/agent/inventory", "pkg/agent/disk", "pkg/agent/check", "pkg/agent/network", "pkg/agent/service",
		"pkg/agent/console", "pkg/agent/client", "pkg/agent/ignite", "pkg/handoff", "pkg/bootstrap", "pkg/gather",
	},
	// Where machines install themselves, the other commands go the agent way.
	"pkg/install/create":  {"pkg/install/agent", "pkg/install/virtualization"},
	"pkg/install/waitfor": {"pkg/install/agent"},
	"pkg/install/status":  {"pkg/install/agent"},
	"pkg/install/destroy": {"pkg/install/agent"},
	"pkg/install/nodes":   {"pkg/install/agent"},

	"pkg/install/virtualization": {"pkg/install/agent"},
	"pkg/types":                  {"pkg/types", "pkg/release", "pkg/nmstate"},
	"pkg/wizard":                 {"pkg/wizard"},
	// A platform is a value that is passed to the layers below.
	"pkg/platforms":          {"pkg/platforms", "pkg/wizard"},
	"pkg/platforms/*/config": {"pkg/types", "pkg/release"},
	"pkg/release":            {"pkg/release"},
	"pkg/iso":                {"pkg/iso"},
	"pkg/nmstate":            {"pkg/nmstate", "pkg/types"},
	"pkg/explain":            {"pkg/explain"},
	"pkg/lab":                {"pkg/lab"},
	"cmd/okd-lab":            {"cmd/okd-lab"},
}

// labMayUse are the packages that the lab shares with the installer: leaves only, so
// that the two agree on protocols and on nothing else.
var labMayUse = []string{
	"data", "pkg/atomicfile", "pkg/clock", "pkg/wait", "pkg/secret", "pkg/event", "pkg/report",
	"pkg/ignition", "pkg/kube", "pkg/pki",
	"pkg/iso", // what QEMU's firmware and a real kernel make of an image is tested as well
}

// pure packages compute; they must not use the network or run programs.
var pure = []string{
	"pkg/assets", "pkg/asset", "pkg/plan", "pkg/types", "pkg/platforms/*/config", "pkg/pki", "pkg/ignition", "pkg/seal",
	"pkg/iso",
	"pkg/nmstate", "pkg/virtualization/manifests",
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		fromKey, fromLayer := place(from)
		if fromKey == "" {
			t.Errorf("%s has no layer: add it to the table here and in docs/dev/architecture.md", from)
			continue
		}
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, module); ours {
				checkEdge(t, from, fromKey, fromLayer, to)
			} else if forbiddenFor(fromKey, imp) {
				t.Errorf("%s is pure but imports %s", from, imp)
			}
		}
	}
}

func checkEdge(t *testing.T, from, fromKey string, fromLayer int, to string) {
	t.Helper()
	toKey, toLayer := place(to)
	switch {
	case isTestKit(to) && !isTestKit(from):
		t.Errorf("%s imports %s: only tests may", from, to)
	case toKey == "pkg/lab" && !strings.HasPrefix(from, "pkg/lab") && !strings.HasPrefix(from, "cmd/okd-lab"):
		t.Errorf("%s imports %s: only the lab's own commands and tests may", from, to)
	case fromKey == "pkg/lab" && toKey != "pkg/lab" && !within(toKey, labMayUse):
		t.Errorf("%s imports %s: the lab shares only %v with the installer", from, to, labMayUse)
	case toLayer > fromLayer:
		t.Errorf("%s (layer %d) imports %s (layer %d): imports point down", from, fromLayer, to, toLayer)
	case toLayer == fromLayer && fromLayer > 0 && !within(toKey, sameLayer[fromKey]):
		t.Errorf("%s imports %s of its own layer", from, to)
	case toLayer == 0 && fromLayer == 0 && toKey != fromKey && toKey != "data" && !within(toKey, sameLayer[fromKey]):
		t.Errorf("%s imports %s: leaves stand alone", from, to)
	}
}

// isTestKit reports whether a package is for tests: one below pkg/testkit, or one that is
// named after the package that it helps to test, such as pkg/kube/kubetest.
func isTestKit(pkg string) bool {
	return strings.HasPrefix(pkg, "pkg/testkit/") || strings.HasSuffix(pkg, "test")
}

func forbiddenFor(key, imp string) bool {
	return within(key, pure) && (imp == "net/http" || imp == "os/exec")
}

func place(pkg string) (string, int) {
	for p := pkg; p != "."; {
		if is, _ := path.Match("pkg/platforms/*/config", p); is {
			p = "pkg/platforms/*/config"
		}
		if layer, known := layers[p]; known {
			return p, layer
		}
		i := strings.LastIndex(p, "/")
		if i < 0 {
			break
		}
		p = p[:i]
	}
	return "", 0
}

func within(key string, list []string) bool {
	for _, k := range list {
		if key == k {
			return true
		}
	}
	return false
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./pkg/...", "./cmd/...", "./data/...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
