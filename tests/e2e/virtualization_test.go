//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
)

// virtualizationNamespace is where everything of the stack runs.
const virtualizationNamespace = "kubevirt-hyperconverged"

// stackBudget is how long the deployment of the stack and its test may take on a busy machine.
const stackBudget = 15 * time.Minute

// emulated is what the lab's machines, which have no /dev/kvm, need.
const emulated = virtualizationHead + "smokeTest: {allowEmulation: true}\n"

// virtualizationHead begins a virtualization.yaml.
const virtualizationHead = "apiVersion: " + virtualization.APIVersion + "\nkind: " + virtualization.Kind + "\n"

// withVirtualization is the lab's KubeVirt, which okd-lab setup --virtualization makes.
func (l *lab) withVirtualization(t *testing.T) *kubevirt.Result {
	t.Helper()
	made, err := setup.Load(l.Cache)
	if err != nil {
		t.Fatal(err)
	}
	if made.KubeVirt == nil {
		t.Fatal("there is no KubeVirt; run okd-lab setup --virtualization first")
	}
	return made.KubeVirt
}

// virtual is a cluster with virtualization.
type virtual struct{ *cluster }

func (c *cluster) withStack(t *testing.T, config string) virtual {
	t.Helper()
	v := virtual{c}
	v.configure(t, config)
	t.Cleanup(func() {
		if t.Failed() {
			c.explainVMs(t)
		}
	})
	return v
}

// bareCluster installs a cluster without virtualization in a lab of its own.
func bareCluster(t *testing.T, work string) virtual {
	t.Helper()
	l := newLab(t, work)
	l.withVirtualization(t)
	if *have != "" {
		return (&cluster{lab: l, dir: *have, size: standard}).withStack(t, emulated)
	}
	l.up(t)
	v := l.newCluster(t, "demo", standard).withStack(t, emulated)
	step(t, "Installation", func(t *testing.T) {
		v.choice = []string{"--virtualization", "off"}
		r := v.complete(t)
		if !strings.Contains(r.stderr.String(), "Phase virtualization skipped: --virtualization off") {
			t.Errorf("%s does not skip virtualization", r)
		}
		v.choice = nil
	})
	return v
}

// configure writes virtualization.yaml.
func (v virtual) configure(t *testing.T, config string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, virtualization.File), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// virtualized goes from a cluster to a VM, and back: create cluster goes on to deploy the stack, proves it, and it is
// used with the tools of its projects, deployed again, which changes nothing, and removed.
func virtualized(t *testing.T, c *cluster) {
	made := c.withVirtualization(t)
	v := c.withStack(t, emulated)
	before := v.objects(t)
	edited := v.editManifest(t)
	step(t, "Deploy", func(t *testing.T) {
		r := v.complete(t)
		v.deployed(t, r)
		for _, name := range []string{"migrated from node", "a pod connected to the guest", "is gone"} {
			if !strings.Contains(r.stderr.String(), name) {
				t.Errorf("the test does not say %q:\n%s", name, last(r.stderr.String(), 25))
			}
		}
	})
	step(t, "EditSurvives", func(t *testing.T) { edited(t) })
	step(t, "Status", func(t *testing.T) { v.ready(t) })
	step(t, "SecondRun", func(t *testing.T) { v.runsAgain(t) })
	step(t, "VM", func(t *testing.T) {
		v.startGuest(t, made.Guest)
		v.console(t)
		v.migrates(t)
		v.virtualizationFigures(t)
	})
	step(t, "RefusesToRemove", func(t *testing.T) { v.refusesToRemove(t) })
	if *tier == "full" {
		step(t, "NodeRestart", func(t *testing.T) { v.restartsNodeWithoutGuest(t) })
	}
	step(t, "RemoveVM", func(t *testing.T) { v.removeGuest(t) })
	step(t, "Remove", func(t *testing.T) { v.removed(t, before) })
}

// onSingleNode deploys the stack to a node that is everything: VMs do not migrate there, and the reason is said.
func (v virtual) onSingleNode(t *testing.T) {
	r := v.finish(t, stackBudget, 0, v.dir, "virtualization", "deploy")
	v.deployed(t, r)
	if want := "one node only takes VMs"; !strings.Contains(r.stderr.String(), want) {
		t.Errorf("the test does not say %q:\n%s", want, last(r.stderr.String(), 25))
	}
	strategy := v.kubectl(t, "get", "--namespace", virtualizationNamespace, "kubevirts", "--output",
		"jsonpath={.items[*].spec.configuration.evictionStrategy}")
	if strategy != "None" {
		t.Errorf("KubeVirt's eviction strategy is %q", strategy)
	}
	v.ready(t)
	v.runsAgain(t)
}

// deployed checks that a run has deployed the stack, and how long that took.
func (v virtual) deployed(t *testing.T, r *run) {
	t.Helper()
	if !strings.Contains(r.stderr.String(), "Virtualization is deployed") {
		t.Fatalf("%s does not say that virtualization is deployed:\n%s", r, last(r.stderr.String(), 25))
	}
	for _, p := range r.phases(t) {
		if p.Name == "virtualization" {
			measured(t, "virtualization: deployed and tested after %.0f s", p.Took().Seconds())
		}
	}
	measured(t, "virtualization: %s", strings.TrimSpace(v.kubectl(t, "get", "--namespace", virtualizationNamespace,
		"csv", "--output=jsonpath={.items[*].metadata.name}")))
}

// editManifest edits a file of virtualization/, and returns a check that the cluster has what it says.
func (v virtual) editManifest(t *testing.T) (arrived func(t *testing.T)) {
	t.Helper()
	v.finish(t, time.Minute, 0, v.dir, "create", "virtualization-manifests")
	files, err := filepath.Glob(filepath.Join(v.dir, "virtualization", "*",
		"*-hyperconverged-kubevirt-hyperconverged.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("manifests of HyperConverged: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	mine := strings.Replace(string(text), "\nspec:\n", "\nspec:\n  defaultCPUModel: Nehalem\n", 1)
	if mine == string(text) {
		t.Fatalf("no spec in %s", text)
	}
	if err := os.WriteFile(files[0], []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) {
		got := v.kubectl(t, "get", "--namespace", virtualizationNamespace, "kubevirts", "--output",
			"jsonpath={.items[*].spec.configuration.cpuModel}")
		if now, err := os.ReadFile(files[0]); err != nil || string(now) != mine || got != "Nehalem" {
			t.Errorf("KubeVirt's CPU model is %q; the file: %v\n%s", got, err, now)
		}
	}
}

// ready checks virtualization status.
func (v virtual) ready(t *testing.T) {
	t.Helper()
	r := v.finish(t, time.Minute, 0, v.dir, "virtualization", "status", "--output", "json")
	var status struct {
		Ready bool
		Parts []struct{ Name, State string }
	}
	if err := json.Unmarshal([]byte(r.stdout.String()), &status); err != nil || !status.Ready || len(status.Parts) < 6 {
		t.Errorf("%v\n%s", err, r.stdout.String())
	}
}

// ours are the objects that the installer has made, with their versions and the time of its last write.
func (v virtual) ours(t *testing.T) []string {
	t.Helper()
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct {
				Namespace, Name, UID string
				Generation           int
				ManagedFields        []struct{ Manager, Time, Subresource string }
			}
		}
	}
	v.get(t, &list, "--all-namespaces", "--show-managed-fields", "--selector",
		"app.kubernetes.io/managed-by=okd-install", strings.Join(v.kinds(t), ","))
	var out []string
	for _, o := range list.Items {
		m := o.Metadata
		line := fmt.Sprintf("%s %s/%s %s generation %d", o.Kind, m.Namespace, m.Name, m.UID, m.Generation)
		for _, f := range m.ManagedFields {
			if f.Manager == "okd-install" {
				line += " written " + f.Time + f.Subresource
			}
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// runsAgain deploys what is deployed: nothing is written.
func (v virtual) runsAgain(t *testing.T) {
	before := v.ours(t)
	if len(before) < 6 {
		t.Fatalf("the cluster has of ours: %q", before)
	}
	r := v.finish(t, stackBudget, 0, v.dir, "virtualization", "deploy")
	if !strings.Contains(r.stderr.String(), " 0 objects made, 0 changed") {
		t.Errorf("%s:\n%s", r, last(r.stderr.String(), 25))
	}
	if after := v.ours(t); !slices.Equal(before, after) {
		t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	measured(t, "virtualization: a second run, with its test, took %.0f s", r.took.Seconds())
}

func (v virtual) refusesToRemove(t *testing.T) {
	r := v.finish(t, time.Minute, exit.Unproved, v.dir, "virtualization", "remove")
	if want := "VirtualMachine vms/guest"; !strings.Contains(r.stderr.String(), want) {
		t.Errorf("%s does not name %s:\n%s", r, want, last(r.stderr.String(), 10))
	}
	v.ready(t)
}

func (v virtual) removeGuest(t *testing.T) {
	v.kubectl(t, "delete", "--wait=false", "--namespace", "vms", "virtualmachine", "guest")
	took := eventually(t, time.Minute, func() string {
		return v.kubectl(t, "get", "--namespace", "vms", "--output=name", "vmi,pod")
	})
	measured(t, "virtualization: a VM gone after %.0f s", took.Seconds())
	v.kubectl(t, "delete", "namespace", "vms", "--timeout=60s", "--request-timeout=60s")
}

// kinds are the resources of the cluster that can be listed and deleted.
func (v virtual) kinds(t *testing.T) []string {
	t.Helper()
	return strings.Fields(v.kubectl(t, "api-resources", "--verbs=list,delete", "--output=name", "--cached=false"))
}

// passing are resources that come and go in every cluster.
var passing = []string{
	"events", "events.events.k8s.io", "pods", "pods.metrics.k8s.io", "leases.coordination.k8s.io", "endpoints",
	"endpointslices.discovery.k8s.io", "controllerrevisions.apps", "replicasets.apps",
	"certificatesigningrequests.certificates.k8s.io", "packagemanifests.packages.operators.coreos.com",
	"componentstatuses",
}

// unpacked are the bundles that the lifecycle manager keeps, with how it got them, as long as there is their catalog.
var unpacked = regexp.MustCompile(`\bopenshift-marketplace +[0-9a-f]{63}$`)

// objects are the names of all lasting objects of the cluster.
func (v virtual) objects(t *testing.T) []string {
	t.Helper()
	kinds := slices.DeleteFunc(v.kinds(t), func(k string) bool { return slices.Contains(passing, k) })
	out := v.kubectl(t, "get", "--all-namespaces", "--no-headers", "--output",
		"custom-columns=A:.apiVersion,K:.kind,NS:.metadata.namespace,N:.metadata.name", strings.Join(kinds, ","))
	var list []string
	for line := range strings.Lines(out) {
		if !unpacked.MatchString(strings.TrimSpace(line)) {
			list = append(list, strings.Join(strings.Fields(line), " "))
		}
	}
	slices.Sort(list)
	return list
}

// removed takes the stack away: the cluster has what it had before.
func (v virtual) removed(t *testing.T, before []string) {
	r := v.finish(t, stackBudget, 0, v.dir, "virtualization", "remove")
	measured(t, "virtualization: removed after %.0f s", r.took.Seconds())
	eventually(t, time.Minute, func() string {
		after := v.objects(t)
		left := slices.DeleteFunc(slices.Clone(after), func(o string) bool { return slices.Contains(before, o) })
		lost := slices.DeleteFunc(slices.Clone(before), func(o string) bool { return slices.Contains(after, o) })
		if len(left)+len(lost) > 0 {
			return fmt.Sprintf("left behind:\n%s\nlost:\n%s", strings.Join(left, "\n"), strings.Join(lost, "\n"))
		}
		return ""
	})
	again := v.finish(t, time.Minute, 0, v.dir, "virtualization", "remove") // of nothing
	if !strings.Contains(again.stderr.String(), "Virtualization is removed") {
		t.Errorf("%s:\n%s", again, last(again.stderr.String(), 10))
	}
}

// report runs virtualization test, whose report is JSON.
func (v virtual) report(t *testing.T, code int, args ...string) map[string]proof.Result {
	t.Helper()
	r := v.finish(t, stackBudget, code, v.dir, append([]string{"virtualization", "test", "--output", "json"}, args...)...)
	var report proof.Report
	if err := json.Unmarshal([]byte(r.stdout.String()), &report); err != nil {
		t.Fatalf("%v\n%s", err, r.stdout.String())
	}
	out := map[string]proof.Result{}
	for _, result := range report.Results {
		out[result.Name] = result
	}
	return out
}
