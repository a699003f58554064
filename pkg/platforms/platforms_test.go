package platforms

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	if p, err := All().Find("none"); err != nil || !p.ByHand {
		t.Errorf("%+v, %v", p, err)
	}
	for name, want := range map[string]string{
		"":    "not known",
		"aws": `unknown platform "aws"; this installer supports ovirt, baremetal, none and external`,
	} {
		if _, err := All().Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAssumed(t *testing.T) {
	for metadata, want := range map[bool]string{true: "none", false: "ovirt"} {
		if got := All().Assumed(metadata); got != want {
			t.Errorf("metadata %v: %s, want %s", metadata, got, want)
		}
	}
	if got := (List{}).Assumed(false); got != "" {
		t.Errorf("nothing is known: %s", got)
	}
}

// The parts of a platform agree on its name.
func TestNames(t *testing.T) {
	for _, p := range All() {
		name := p.Assets.Kind.Name
		if p.Wizard.Kind.Name != name || p.Machines.Name != name || p.Assets.Kind.New().Kind().Name != name {
			t.Errorf("%s is also called %s and %s", name, p.Wizard.Kind.Name, p.Machines.Name)
		}
		if p.Assets.Kind.Agent != (p.Assets.Agent != nil) {
			t.Errorf("%s: its parts disagree whether hosts can register themselves", name)
		}
	}
}
