package create

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// results are those of the phases in the newest run of the journal.
func (w *world) results() map[string]phase.Result {
	w.t.Helper()
	runs, err := phase.ReadJournal(w.env.Dir)
	if err != nil || len(runs) == 0 {
		w.t.Fatal(runs, err)
	}
	out := map[string]phase.Result{}
	for _, e := range runs[len(runs)-1].Phases {
		out[e.Name] = e.Result
	}
	return out
}

// expect compares the results with those of some phases; all others are done.
func (w *world) expect(others map[phase.Result][]phase.Phase) {
	w.t.Helper()
	want := map[string]phase.Result{phases.Virtualization.Name: phase.Skipped}
	for result, list := range others {
		for _, p := range list {
			want[p.Name] = result
		}
	}
	got := w.results()
	for _, p := range phases.All() {
		expected := phase.Done
		if result, told := want[p.Name]; told {
			expected = result
		}
		if got[p.Name] != expected {
			w.t.Errorf("phase %s: %q, want %q", p.Name, got[p.Name], expected)
		}
	}
}

func TestCreateCluster(t *testing.T) {
	w := newWorld(t)
	if err := w.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	w.expect(nil)
	want := []string{
		"apply image", "apply infrastructure", "apply bootstrap", "record handed over", "destroy bootstrap",
	}
	if !slices.Equal(w.calls, want) || len(w.machines) != 1 || !w.started || !w.handedOver {
		t.Errorf("calls %q, machines %v", w.calls, w.machines)
	}
	if w.depth > 4 { // docs/dev/architecture.md draws the way
		t.Errorf("%d stack frames from the command to the platform", w.depth)
	}
	if !w.saying("Install complete!") || !w.saying("Time elapsed") {
		t.Errorf("said %q", w.said)
	}
	runs, _ := phase.ReadJournal(w.env.Dir)
	var order []string
	for _, e := range runs[0].Phases {
		order = append(order, e.Name)
	}
	if !slices.Equal(order, phases.Names()) {
		t.Errorf("went through %q, which is not the table of phases", order)
	}
	if c := runs[0].Cluster; c == nil || *c != (phase.Cluster{InfraID: infraID, Platform: "none"}) {
		t.Errorf("the journal has cluster %+v", c)
	}
	// Again: a complete cluster is left alone.
	if err := w.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	w.expect(map[phase.Result][]phase.Phase{phase.Already: {
		phases.Preflight, phases.Images, phases.BootstrapUp, phases.BootstrapComplete,
	}})
	if want := []string{"record handed over", "destroy bootstrap"}; !slices.Equal(w.calls, want) {
		t.Errorf("again: %q", w.calls)
	}
}

// A bootstrap that does not complete leaves a log bundle, and the next run goes on.
func TestCreateClusterAfterAFailedBootstrap(t *testing.T) {
	w := newWorld(t)
	w.hold("etcd")
	err := w.create(t.Context(), Options{Timeout: 30 * time.Second})
	if exit.Code(err) != exit.Bootstrap || !strings.Contains(err.Error(), "bootstrap member not removed yet") ||
		!strings.Contains(exit.Next(err), "log bundle") {
		t.Fatalf("code %d, %v; next %q", exit.Code(err), err, exit.Next(err))
	}
	bundles, _ := filepath.Glob(w.env.Path("log-bundle-*.tar.gz"))
	if len(bundles) != 1 || !w.saying("Cause: ") {
		t.Errorf("bundles %v, said %q", bundles, w.said)
	}
	if w.handedOver || slices.Contains(w.calls, "destroy bootstrap") {
		t.Errorf("without proof: %q", w.calls)
	}
	w.hold() // the cluster says that the masters have taken over
	if err := w.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	w.expect(map[phase.Result][]phase.Phase{phase.Already: {
		phases.Preflight, phases.Images, phases.BootstrapUp, phases.BootstrapComplete,
	}})
}

// Once the masters have taken over, a run makes nothing any more.
func TestCreateClusterGoesOnAfterTheHandover(t *testing.T) {
	w := newWorld(t)
	w.hold("nodes")
	err := w.create(t.Context(), Options{Timeout: 30 * time.Second})
	if exit.Code(err) != exit.Install || !w.saying("Cause: ") {
		t.Fatalf("code %d, %v", exit.Code(err), err)
	}
	if bundles, _ := filepath.Glob(w.env.Path("log-bundle-*.tar.gz")); len(bundles) > 0 {
		t.Errorf("bundles %v", bundles)
	}
	w.hold()
	w.set(func() { w.machines = nil }) // the platform has lost a master meanwhile
	if err := w.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	w.expect(map[phase.Result][]phase.Phase{
		phase.Already: {phases.Images, phases.BootstrapUp, phases.BootstrapComplete},
	})
	if slices.ContainsFunc(w.calls, func(c string) bool { return strings.HasPrefix(c, "apply") }) ||
		!w.saying("Machine demo-x7k2p-master-0 is missing") {
		t.Errorf("calls %q, said %q", w.calls, w.said)
	}
}

// An interruption names what there is, and the next run goes on.
func TestCreateClusterInterrupted(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	w.during = func(call string) {
		if call == "apply bootstrap" {
			cancel(exit.ErrInterrupted)
		}
	}
	err := w.create(ctx, Options{})
	lines := strings.Join(install.AfterInterruption(err), "\n")
	if exit.Code(err) != exit.Interrupted || !strings.Contains(lines, "stopped in phase bootstrap-up") ||
		!strings.Contains(lines, "Left:    vm demo-x7k2p-master-0") {
		t.Fatalf("code %d, %v\n%s", exit.Code(err), err, lines)
	}
	runs, _ := phase.ReadJournal(w.env.Dir)
	if !runs[0].Interrupted() || runs[0].Ended.IsZero() {
		t.Errorf("journal %+v", runs[0])
	}
	w.during = func(string) {}
	if err := w.create(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	w.expect(map[phase.Result][]phase.Phase{phase.Already: {phases.Preflight}})
}

// A cluster that may be alive is left alone.
func TestCreateClusterWithoutProof(t *testing.T) {
	w := newWorld(t)
	w.hold("nodes")
	if err := w.create(t.Context(), Options{Timeout: 30 * time.Second}); exit.Code(err) != exit.Install {
		t.Fatal(err)
	}
	// The proof is lost, and the API does not answer.
	w.hold("api")
	w.set(func() { w.handedOver, w.record.Progress = false, machines.Begun })
	err := w.create(t.Context(), Options{})
	if exit.Code(err) != exit.Unproved || len(w.calls) > 0 || !strings.Contains(exit.Next(err), "--handed-over") {
		t.Errorf("code %d, %v; calls %q", exit.Code(err), err, w.calls)
	}
}

// A run that skipped the proof does not allow the removal of the bootstrap host.
func TestCreateClusterWithSkips(t *testing.T) {
	w := newWorld(t)
	w.hold("etcd")
	err := w.create(t.Context(), Options{Skip: []string{phases.BootstrapComplete.Name}})
	if exit.Code(err) != exit.Infrastructure || !strings.Contains(err.Error(), "etcd still has a member") ||
		!strings.HasPrefix(err.Error(), "failed to create cluster: ") || slices.Contains(w.calls, "destroy bootstrap") {
		t.Errorf("code %d, %v; calls %q", exit.Code(err), err, w.calls)
	}
}
