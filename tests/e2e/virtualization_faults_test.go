//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
)

// soon is how fast the cause of a failure must be named once it can be seen.
const soon = 30 * time.Second

// TestVirtualizationFaults produces every failure that the phase must name, one after the other in one cluster, and
// mends it; the last deployment passes.
func TestVirtualizationFaults(t *testing.T) {
	v := bareCluster(t, "virtualization-faults")
	for _, s := range []struct {
		name string
		run  func(t *testing.T, v virtual)
	}{
		{"TwoOperatorGroups", twoOperatorGroups},
		{"NoDefaultStorageClass", noDefaultStorageClass},
		{"CatalogImage", catalogImage},
		{"Resolution", resolutionFails},
		{"BundleUnpack", bundleUnpackFails},
		{"NoKVM", noKVM},
		{"Webhook", webhookNotReady},
		{"Degraded", hyperConvergedDegraded},
		{"ImageImport", imageImportFails},
		{"NotSchedulable", notSchedulable},
		{"MigrationRefused", migrationRefused},
		{"Settings", settingsArrive},
		{"Removed", func(t *testing.T, v virtual) {
			v.configure(t, emulated)
			v.finish(t, stackBudget, 0, v.dir, "virtualization", "remove")
		}},
	} {
		step(t, s.name, func(t *testing.T) { s.run(t, v) })
	}
}

// fails deploys and waits for the cause, which must be named soon after the line after, or after the start. It returns
// the run, which may go on.
func (v virtual) fails(t *testing.T, after, cause string) *run {
	t.Helper()
	r := v.start(t, v.dir, nil, "virtualization", "deploy")
	v.runs = append(v.runs, r)
	r.says(t, after, stackBudget)
	took := r.says(t, cause, soon+10*time.Second)
	if took > soon {
		t.Errorf("%q was named after %s", cause, took)
	}
	measured(t, "virtualization: %s: named after %.0f s", filepath.Base(t.Name()), took.Seconds())
	return r
}

// says waits until standard error matches a pattern.
func (r *run) says(t *testing.T, pattern string, within time.Duration) time.Duration {
	t.Helper()
	re := regexp.MustCompile(pattern)
	return eventually(t, within, func() string {
		if re.MatchString(r.stderr.String()) {
			return ""
		}
		return fmt.Sprintf("%s does not say %q:\n%s", r, pattern, last(r.stderr.String(), 12))
	})
}

// endsWith waits for the end of a run that fails, whose last words must match and name the next step.
func (r *run) endsWith(t *testing.T, within time.Duration, cause string) {
	t.Helper()
	if code := r.end(t, time.Since(r.started)+within); code != exit.Install {
		t.Errorf("%s: exit code %d, want %d", r, code, exit.Install)
	}
	final := last(r.stderr.String(), 3)
	if !regexp.MustCompile(cause).MatchString(final) || !strings.Contains(final, "Next: ") {
		t.Errorf("%s ends with\n%s", r, final)
	}
}

// takenAway removes what a deployment that failed has left.
func (v virtual) takenAway(t *testing.T) {
	t.Helper()
	v.finish(t, stackBudget, 0, v.dir, "virtualization", "remove")
}

func twoOperatorGroups(t *testing.T, v virtual) {
	v.apply(t, "groups.yaml", []byte(`
{apiVersion: v1, kind: Namespace, metadata: {name: kubevirt-hyperconverged}}
---
{apiVersion: operators.coreos.com/v1, kind: OperatorGroup, metadata: {name: other, namespace: kubevirt-hyperconverged}}
`))
	v.fails(t, "Phase virtualization", "TooManyOperatorGroups").endsWith(t, soon, "two operator groups .*other")
	v.kubectl(t, "delete", "namespace", virtualizationNamespace, "--timeout=60s", "--request-timeout=60s")
}

func noDefaultStorageClass(t *testing.T, v virtual) {
	v.configure(t, emulated+"storage: {defaultForVMs: false}\n")
	v.fails(t, "Phase virtualization", "no default StorageClass").endsWith(t, soon, "no default StorageClass")
}

func catalogImage(t *testing.T, v virtual) {
	v.configure(t, emulated+"operator: {catalog: {name: mine, image: 'quay.io/okd-install/none:v1'}}\n")
	const cause = "image quay.io/okd-install/none:v1 of Pod .* cannot be pulled"
	v.fails(t, "step catalog", cause).endsWith(t, 2*time.Minute, cause)
	v.takenAway(t)
}

func resolutionFails(t *testing.T, v virtual) {
	v.configure(t, emulated+"operator: {channel: nowhere}\n")
	const cause = "ResolutionFailed .*has channels .*, and not nowhere"
	v.fails(t, "step operator", cause).endsWith(t, 2*time.Minute, cause)
	v.takenAway(t)
}

// bundleUnpackFails cuts the nodes off from the registry after they have the catalog.
func bundleUnpackFails(t *testing.T, v virtual) {
	v.configure(t, emulated)
	reach := v.withoutRegistry(t)
	const cause = "BundleUnpack.* cannot be pulled"
	v.fails(t, "step operator", cause).endsWith(t, 5*time.Minute, "cannot be pulled|BundleUnpackFailed")
	reach()
	v.takenAway(t)
}

// withoutRegistry takes the nodes' way to the registry that the lab stands for.
func (v virtual) withoutRegistry(t *testing.T) (reach func()) {
	t.Helper()
	all := append(v.masters(t), v.workers(t)...)
	out, err := v.on(t, all[0], "getent hosts quay.io")
	if err != nil || len(strings.Fields(out)) == 0 {
		t.Fatalf("address of the registry: %q, %v", out, err)
	}
	address := strings.Fields(out)[0]
	each := func(verb string) error {
		for _, node := range all {
			if _, err := v.on(t, node, "ip route "+verb+" unreachable "+address); err != nil {
				return err
			}
		}
		return nil
	}
	cut := true
	reach = func() {
		if cut {
			cut = false
			if err := each("del"); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(reach)
	if err := each("replace"); err != nil {
		t.Fatal(err)
	}
	return reach
}

// noKVM asks for VMs without emulation, of nodes that are asked beforehand.
func noKVM(t *testing.T, v virtual) {
	v.configure(t, virtualizationHead)
	const cause = "there is no /dev/kvm, and software emulation is not allowed: node .*worker-0: "
	v.fails(t, "Phase virtualization", cause).endsWith(t, soon, cause)
	if out := v.kubectl(t, "get", "namespace", "--output=name"); strings.Contains(out, "kubevirt-hyperconverged") {
		t.Errorf("it was deployed all the same: %s", out)
	}
}

// webhookNotReady has no node for the webhooks first; once there are nodes, the phase goes on to its end.
func webhookNotReady(t *testing.T, v virtual) {
	v.configure(t, emulated)
	workers := func(verb string) {
		for _, n := range v.workers(t) {
			v.kubectl(t, verb, n)
		}
	}
	workers("cordon")
	t.Cleanup(func() { workers("uncordon") })
	r := v.fails(t, "Approving InstallPlan", "HyperConverged .* is not applied yet: Deployment .*/hco-webhook: .* "+
		"no node takes Pod kubevirt-hyperconverged/hco-")
	workers("uncordon")
	if code := r.end(t, stackBudget); code != 0 {
		t.Errorf("%s: exit code %d\n%s", r, code, last(r.stderr.String(), 10))
	}
	v.deployed(t, r)
}

// hyperConvergedDegraded passes a setting through HyperConverged to a part that refuses it.
func hyperConvergedDegraded(t *testing.T, v virtual) {
	const patch = `networkaddonsconfigs.kubevirt.io/jsonpatch=` +
		`[{"op":"add","path":"/spec/kubeMacPool","value":{"rangeStart":"02:00:00:00:00:00"}}]`
	annotate := func(text string) {
		v.kubectl(t, "annotate", "--namespace", virtualizationNamespace, "hyperconverged", "kubevirt-hyperconverged", text)
	}
	annotate(patch)
	r := v.fails(t, "step hyperconverged", "degraded.*KubeMacPool|Degraded is True.*KubeMacPool")
	annotate(strings.Split(patch, "=")[0] + "-")
	if code := r.end(t, stackBudget); code != 0 {
		t.Errorf("mended: %s: exit code %d\n%s", r, code, last(r.stderr.String(), 10))
	}
}

func imageImportFails(t *testing.T, v virtual) {
	v.configure(t, emulated+"goldenImages: {sources: [{name: broken, image: 'quay.io/containerdisks/none:1'}]}\n")
	r := v.fails(t, "objects made", "DataImportCron .*broken.*no digest of docker://quay.io/containerdisks/none:1")
	r.endsWith(t, 7*time.Minute, "broken.*no digest of docker://quay.io/containerdisks/none:1")
	v.configure(t, emulated)
	v.deployed(t, v.finish(t, stackBudget, 0, v.dir, "virtualization", "deploy"))
}

func notSchedulable(t *testing.T, v virtual) {
	v.failedCheck(t, proof.Running, "unschedulable", "Insufficient memory", "--memory", "900Gi")
}

// failedCheck runs the test of the stack, of which one check must fail soon.
func (v virtual) failedCheck(t *testing.T, name, reason, cause string, args ...string) {
	t.Helper()
	r := v.report(t, exit.Other, args...)[name]
	if r.Status != proof.Failed || r.Next == "" || !strings.Contains(r.Reason, reason) ||
		!strings.Contains(r.Cause, cause) {
		t.Errorf("%+v", r)
	}
	if time.Duration(r.Duration) > soon+15*time.Second { // of which it watches whether the state lasts
		t.Errorf("%s was named after %s", name, r.Duration)
	}
	measured(t, "virtualization: %s: named after %.0f s", filepath.Base(t.Name()),
		time.Duration(r.Duration).Seconds())
	if left := v.kubectl(t, "get", "namespace", "--selector", "app.kubernetes.io/managed-by=okd-install",
		"--output=name"); strings.Contains(left, "virtualization-test") {
		t.Errorf("left: %s", left)
	}
}

// migrationRefused has a policy of the cluster forbid migrations.
func migrationRefused(t *testing.T, v virtual) {
	v.apply(t, "policy.yaml", []byte(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-migrations}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: [kubevirt.io]
      apiVersions: ["*"]
      operations: [CREATE]
      resources: [virtualmachineinstancemigrations]
  validations: [{expression: "false", message: no migrations during the day}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-migrations}
spec: {policyName: no-migrations, validationActions: [Deny]}
`))
	time.Sleep(5 * time.Second) // until all API servers know it
	v.failedCheck(t, proof.Migration, "refused", "no migrations during the day")
	v.kubectl(t, "delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", "no-migrations")
}

// TestVirtualizationKill kills the deployment in every sub-step, takes the API away for a minute in the middle, and
// finds everything once.
func TestVirtualizationKill(t *testing.T) {
	v := bareCluster(t, "virtualization-kill")
	dice := dice(t)
	for _, s := range []struct{ name, line string }{
		{"Start", "Phase virtualization"},
		{"Operator", "step operator"},
		{"Plan", "Approving InstallPlan|step storage"}, // the run before may have approved it,
		{"Storage", "step storage"},
		{"HyperConverged", "step hyperconverged"},
		{"KubeVirt", "KubeVirt is not available: Deploying"},
		{"Images", "objects made"},
		{"Test", "data-sources passed"},
		{"VM", "vm-running: "},
		{"Migration", "live-migration: "},
		{"Reachability", "live-migration passed"},
		{"CleanUp", "reachability passed"},
	} {
		step(t, s.name, func(t *testing.T) {
			r := v.start(t, v.dir, nil, "virtualization", "deploy")
			r.says(t, s.line, stackBudget)
			if s.name == "KubeVirt" {
				reach := v.cutOff(t)
				time.Sleep(time.Minute)
				reach()
				r.says(t, "hyperconverged: https://api", time.Minute)
				r.says(t, "objects made", stackBudget)
				return
			}
			time.Sleep(time.Duration(dice.IntN(1500)) * time.Millisecond)
			r.signal(syscall.SIGKILL)
			if code := r.end(t, stackBudget); code != -1 {
				t.Errorf("%s: exit code %d, not killed", r, code)
			}
		})
	}
	step(t, "Completes", func(t *testing.T) {
		v.deployed(t, v.finish(t, stackBudget, 0, v.dir, "virtualization", "deploy"))
		v.ready(t)
	})
	step(t, "NothingTwice", func(t *testing.T) {
		for kind, want := range map[string]int{
			"subscriptions.operators.coreos.com": 1, "installplans.operators.coreos.com": 1,
			"clusterserviceversions.operators.coreos.com": 1, "operatorgroups.operators.coreos.com": 1,
			"hyperconvergeds.hco.kubevirt.io": 1, "kubevirts.kubevirt.io": 1,
		} {
			out := v.kubectl(t, "get", "--namespace", virtualizationNamespace, "--output=name", kind)
			if got := len(strings.Fields(out)); got != want {
				t.Errorf("%d %s, want %d: %s", got, kind, want, out)
			}
		}
		if out := v.kubectl(t, "get", "namespace", "--output=name"); strings.Contains(out, "virtualization-test") {
			t.Errorf("tests have left: %s", out)
		}
	})
	step(t, "RemovalKilled", func(t *testing.T) {
		for range 3 {
			r := v.start(t, v.dir, nil, "virtualization", "remove")
			time.Sleep(time.Duration(1+dice.IntN(8)) * time.Second)
			r.signal(syscall.SIGKILL)
			r.end(t, stackBudget)
		}
		v.finish(t, stackBudget, 0, v.dir, "virtualization", "remove")
		if out := v.kubectl(t, "get", "crd", "--output=name"); strings.Contains(out, "kubevirt.io") {
			t.Errorf("left: %s", out)
		}
	})
}
