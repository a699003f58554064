package staticpod

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ready(name string, rev int) nodeView {
	return nodeView{Name: name, Alive: true, Current: rev, Running: rev, Ready: true}
}

func fresh(name string) nodeView { return nodeView{Name: name, Alive: true} }

func with(n nodeView, f func(*nodeView)) nodeView { f(&n); return n }

func TestPlan(t *testing.T) {
	down := func(n *nodeView) { n.Ready = false }
	dead := func(n *nodeView) { n.Ready, n.Alive = false, false }
	installing := func(n *nodeView) { n.Installer = installerView{Exists: true} }
	installed := func(n *nodeView) { n.Installer = installerView{Exists: true, Done: true} }
	failed := func(n *nodeView) { n.Installer = installerView{Exists: true, Failed: true, Attempt: 1} }
	refused := func(n *nodeView) { n.Refused = "etcd is not there yet" }

	for _, c := range []struct {
		what    string
		latest  int
		nodes   []nodeView
		hold    string
		want    []step
		waiting string
	}{
		{"no revision", 0, []nodeView{fresh("a")}, "", nil, "no revision yet"},
		{"first revision goes everywhere at once", 1, []nodeView{fresh("a"), fresh("b"), fresh("c")}, "",
			[]step{{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}}, ""},
		{"first revision does not wait for another node's", 1, []nodeView{with(fresh("a"), installing), fresh("b")}, "",
			[]step{{"b", 1, 0}}, "revision 1 is being installed on a"},
		{"refused node waits, others go", 1, []nodeView{with(fresh("a"), refused), fresh("b")}, "",
			[]step{{"b", 1, 0}}, "etcd is not there yet"},
		{"installed, kubelet has it in hand", 1, []nodeView{with(fresh("a"), installed)}, "",
			nil, "kubelet of a has not started revision 1 yet"},
		{"failed installer is retried with the next number", 1, []nodeView{with(fresh("a"), failed)}, "",
			[]step{{"a", 1, 2}}, ""},
		{"all there", 1, []nodeView{ready("a", 1), ready("b", 1)}, "", nil, ""},
		{"update one at a time", 2, []nodeView{ready("a", 1), ready("b", 1), ready("c", 1)}, "",
			[]step{{"a", 2, 0}}, ""},
		{"update waits for the installer", 2, []nodeView{with(ready("a", 1), installing), ready("b", 1)}, "",
			nil, "revision 2 is being installed on a"},
		{"update waits although the installer is done, until the pod changed", 2,
			[]nodeView{with(ready("a", 1), installed), ready("b", 1)}, "",
			nil, "revision 2 is being installed on a"},
		{"update waits for the new pod", 2, []nodeView{with(ready("a", 2), down), ready("b", 1)}, "",
			nil, "pod of revision 2 on a is not ready"},
		{"update goes on", 2, []nodeView{ready("a", 2), ready("b", 1)}, "", []step{{"b", 2, 0}}, ""},
		{"broken pod is replaced first", 2, []nodeView{ready("a", 1), with(ready("b", 1), down)}, "",
			[]step{{"b", 2, 0}}, ""},
		{"held update", 2, []nodeView{ready("a", 1), ready("b", 1)}, "two members are healthy", nil,
			"two members are healthy"},
		{"broken pod is replaced although held", 2, []nodeView{ready("a", 1), with(ready("b", 1), down)}, "held",
			[]step{{"b", 2, 0}}, ""},
		{"dead node stops updates of the others", 2, []nodeView{ready("a", 1), with(ready("b", 1), dead)}, "",
			nil, "pod on b is not ready, so no other is replaced"},
		{"dead node alone", 2, []nodeView{with(ready("a", 1), dead)}, "", nil, "node a does not report"},
		{"new node joins while others are current", 3, []nodeView{ready("a", 3), fresh("b")}, "", []step{{"b", 3, 0}},
			""},
		{"new node before updates", 3, []nodeView{ready("a", 2), fresh("b")}, "", []step{{"b", 3, 0}}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, waiting := plan(c.latest, c.nodes, c.hold)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
			if waiting != c.waiting {
				t.Errorf("waiting = %q, want %q", waiting, c.waiting)
			}
		})
	}
}

// TestPlanNeverTakesTwo walks a rollout to its end from every order of
// readiness and checks that at no time two working pods are being replaced.
func TestPlanNeverTakesTwo(t *testing.T) {
	nodes := []nodeView{ready("a", 1), ready("b", 1), ready("c", 1)}
	for range 10 {
		steps, _ := plan(2, nodes, "")
		if len(steps) > 1 {
			t.Fatalf("%d nodes at once: %v", len(steps), steps)
		}
		if len(steps) == 0 {
			break
		}
		for i := range nodes {
			if nodes[i].Name != steps[0].Node {
				continue
			}
			for _, during := range []nodeView{
				{Name: nodes[i].Name, Alive: true, Current: 1, Running: 1, Ready: true,
					Installer: installerView{Exists: true}},
				{Name: nodes[i].Name, Alive: true, Current: 1, Running: 0,
					Installer: installerView{Exists: true, Done: true}},
				{Name: nodes[i].Name, Alive: true, Current: 1, Running: 2},
			} {
				nodes[i] = during
				if more, _ := plan(2, nodes, ""); len(more) != 0 {
					t.Fatalf("with %+v it also starts %v", during, more)
				}
			}
			nodes[i] = ready(nodes[i].Name, 2)
		}
	}
	for _, n := range nodes {
		if n.Running != 2 {
			t.Errorf("node %s ended at revision %d", n.Name, n.Running)
		}
	}
}

func TestCurrentRevision(t *testing.T) {
	for _, c := range []struct {
		what string
		n    nodeView
		want int
	}{
		{"nothing", fresh("a"), 0},
		{"pod starting", nodeView{Running: 1}, 0},
		{"pod ready", nodeView{Running: 1, Ready: true}, 1},
		{"new pod starting keeps the old number", nodeView{Current: 1, Running: 2}, 1},
		{"new pod ready", nodeView{Current: 1, Running: 2, Ready: true}, 2},
		{"mirror pod gone", nodeView{Current: 2}, 2},
	} {
		if got := c.n.currentRevision(); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}
