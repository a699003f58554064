package ovirt_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	base "github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
)

// TestTagOnAnothersMachine has the cluster's own tag on a machine of another name: a
// click in the engine is enough for that.
func TestTagOnAnothersMachine(t *testing.T) {
	l := newLab(t, 3)
	c := l.client()
	vm := l.someVM("accounting", "the books")
	before := l.picture()
	tag, err := c.CreateTag(t.Context(), infraID, "okd-install cluster "+infraID+";")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.TagVM(t.Context(), vm, tag); err != nil {
		t.Fatal(err)
	}
	said, left, err := l.destroyAll(nil)
	if err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
	if !said.said("leaving virtual machine accounting", "its name is none of the cluster's") {
		t.Errorf("said:\n%s", strings.Join(said.lines, "\n"))
	}
}

// TestUnknownMachinesKeepWhatShowsThem removes neither tags nor groups while the engine
// does not list machines: the next destroy finds the machines by them.
func TestUnknownMachinesKeepWhatShowsThem(t *testing.T) {
	l := newLab(t, 3)
	before := l.picture()
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 1)); err != nil {
		t.Fatal(err)
	}
	shown := func() (out []string) {
		for _, line := range strings.Split(l.picture(), "\n") {
			if strings.HasPrefix(line, "group ") || strings.HasPrefix(line, "tag ") {
				out = append(out, line)
			}
		}
		return out
	}
	want := shown()
	if len(want) == 0 {
		t.Fatalf("neither tags nor groups:\n%s", l.picture())
	}
	fault := l.engine.Inject(engine.Fault{Method: http.MethodGet, Path: "/vms", Status: 400, Count: -1})
	if _, _, err := l.destroyAll(nil); err == nil {
		t.Error("destroyed what is not known")
	}
	if got := shown(); !slices.Equal(got, want) {
		t.Errorf("left:\n%q\nwant\n%q", got, want)
	}
	l.engine.Heal(fault)
	if _, left, err := l.destroyAll(nil); err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
}

func TestSilentEngineIsNotEmpty(t *testing.T) {
	l := newLab(t, 3)
	p := l.provider()
	l.engine.Inject(engine.Fault{Method: http.MethodGet, Path: "/**", Status: 400, Count: -1})
	if _, err := p.Destroy(t.Context(), infraID, base.Everything); err == nil {
		t.Error("the cluster is said to be gone")
	}
}

func TestTemplateOfSomebodyElseIsNotUsed(t *testing.T) {
	l := newLab(t, 3)
	c := l.client()
	tpl, err := c.CreateTemplate(t.Context(), l.someVM("books", "mine").ID, ovirt.ImageName(infraID), "mine")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitTemplate(t.Context(), tpl.ID, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := applyAll(t.Context(), l.provider(), l.plan(1, 0)); err == nil ||
		!strings.Contains(err.Error(), "does not belong to this cluster") {
		t.Errorf("got %v", err)
	}
}

// TestGroupOfAnotherCluster has a name of this one, as nobody had to choose, and the
// other's mark.
func TestGroupOfAnotherCluster(t *testing.T) {
	l := newLab(t, 3)
	if _, err := l.client().CreateGroup(t.Context(), api.Group{Name: ovirt.GroupName(infraID, "compute"),
		ClusterID: l.cluster, Description: "okd-install cluster other-a1b2c;"}); err != nil {
		t.Fatal(err)
	}
	before := l.picture()
	said, left, err := l.destroyAll(nil)
	if err != nil || len(left) > 0 {
		t.Fatalf("destroy: %v %v", left, err)
	}
	settle(t, l, before)
	if !said.said("leaving affinity group", "the mark of another cluster") {
		t.Errorf("said:\n%s", strings.Join(said.lines, "\n"))
	}
}
