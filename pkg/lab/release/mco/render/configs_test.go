package render

import (
	"strings"
	"testing"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

func config(t *testing.T, name, role, path, body string) *mcfgv1.MachineConfig {
	t.Helper()
	c := ign.New()
	ign.AddFile(&c, path, 0o644, []byte(body))
	m, err := newConfig(name, role, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMerge(t *testing.T) {
	a := config(t, "00-master", "master", "/etc/a", "first")
	b := config(t, "99-master-user", "master", "/etc/a", "second")
	b.Spec.KernelArguments = []string{"debug"}
	w := config(t, "00-worker", "worker", "/etc/a", "worker")

	sel, err := choose(Pool("master"), []*mcfgv1.MachineConfig{b, w, a})
	if err != nil {
		t.Fatal(err)
	}
	if len(sel) != 2 || sel[0] != a || sel[1] != b {
		t.Fatalf("selected %d configs in the wrong order or of the wrong role", len(sel))
	}
	r, err := Merge("master", sel)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.Name, "rendered-master-") || len(r.Name) != len("rendered-master-")+32 {
		t.Errorf("name = %q", r.Name)
	}
	cfg, err := ign.Parse(r.Spec.Config.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cfg.Storage.Files); n != 1 {
		t.Fatalf("%d files, want the later config to replace the earlier", n)
	}
	if got := *cfg.Storage.Files[0].Contents.Source; !strings.HasSuffix(got, "c2Vjb25k") {
		t.Errorf("contents = %q, want base64 of second", got)
	}
	if len(r.Spec.KernelArguments) != 1 || r.Labels[RoleLabel] != "" {
		t.Errorf("kernel arguments %q, labels %v", r.Spec.KernelArguments, r.Labels)
	}
}

func TestMergedNameFollowsContents(t *testing.T) {
	one := config(t, "a", "worker", "/etc/a", "1")
	two := config(t, "a", "worker", "/etc/a", "2")
	r1, _ := Merge("worker", []*mcfgv1.MachineConfig{one})
	again, _ := Merge("worker", []*mcfgv1.MachineConfig{config(t, "b", "worker", "/etc/a", "1")})
	r2, _ := Merge("worker", []*mcfgv1.MachineConfig{two})
	if r1.Name != again.Name {
		t.Errorf("equal contents: %s and %s", r1.Name, again.Name)
	}
	if r1.Name == r2.Name {
		t.Errorf("different contents share the name %s", r1.Name)
	}
}

func TestMergeNeedsConfigs(t *testing.T) {
	if _, err := Merge("infra", nil); err == nil {
		t.Error("a pool without configs was rendered")
	}
	bad := config(t, "bad", "worker", "/etc/a", "1")
	bad.Spec.Config.Raw = []byte(`{"ignition":{"version":"9.0.0"}}`)
	if _, err := Merge("worker", []*mcfgv1.MachineConfig{bad}); err == nil ||
		!strings.Contains(err.Error(), "machine config bad") {
		t.Errorf("err = %v, want it to name the config", err)
	}
}
