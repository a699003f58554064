package wizard_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms/external"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	"github.com/okd-install/okd-install/pkg/wizard"
	"github.com/okd-install/okd-install/pkg/wizard/wizardtest"
)

func newWorld(t *testing.T) *wizardtest.World {
	t.Helper()
	return wizardtest.New(t, none.Wizard(), external.Wizard())
}

func TestNone(t *testing.T) {
	w := newWorld(t)
	result, s, err := w.Run(t, wizardtest.Key, wizardtest.Line{"Platform", "none"},
		wizardtest.Line{"Base Domain", "", "Example_Org", "example.org"},
		wizardtest.Line{"Cluster Name", "-demo", "demo"},
		wizardtest.Line{"Pull Secret", "", "hello", `{"auths":{}}`, wizardtest.Pull})
	if err != nil {
		t.Fatal(err)
	}
	w.Golden(t, "none.yaml", result.InstallConfig)
	if len(s.Refused) != 6 || !strings.HasPrefix(s.Refused[0], "Base Domain: Required value") ||
		!strings.HasPrefix(s.Refused[2], `Cluster Name: Invalid value: "-demo": `) {
		t.Errorf("refused %q", s.Refused)
	}
	if result.Login != nil {
		t.Error("the result has a login of an engine")
	}
	if !slices.Contains(s.Hidden, wizardtest.Pull) {
		t.Error("the pull secret is not kept out of the log")
	}
	keys := s.Offered["SSH Public Key"]
	if len(keys) != 2 || !strings.HasSuffix(keys[0], "id_ed25519.pub") || keys[1] != "<none>" {
		t.Errorf("keys to choose from: %q", keys)
	}
	if !strings.Contains(strings.Join(s.Said, "\n"), "other.pub is not a public key") {
		t.Errorf("said %q", s.Said)
	}
}

func TestWithoutKeys(t *testing.T) {
	w := newWorld(t)
	if err := os.RemoveAll(w.Home + "/.ssh"); err != nil {
		t.Fatal(err)
	}
	result, _, err := w.Run(t,
		wizardtest.Lines(wizardtest.Line{"Platform", "external"}, wizardtest.Line{"Platform Name", "oci"},
			wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	w.Golden(t, "external.yaml", result.InstallConfig)

	w = newWorld(t)
	result, _, err = w.Run(t,
		wizardtest.Lines(wizardtest.Line{"SSH Public Key", "<none>"}, wizardtest.Line{"Platform", "none"},
			wizardtest.Ends)...)
	if err != nil || strings.Contains(string(result.InstallConfig), "sshKey") {
		t.Errorf("%v\n%s", err, result.InstallConfig)
	}
}

func TestNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, pair := range [][2]*os.File{{nil, nil}, {null, nil}, {null, null}} {
		if wizard.NewTerminal(pair[0], pair[1]) != nil {
			t.Errorf("%v is taken for a terminal", pair)
		}
	}
}
