package baremetal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms/baremetal"
	"github.com/okd-install/okd-install/pkg/wizard"
	"github.com/okd-install/okd-install/pkg/wizard/wizardtest"
)

func newWorld(t *testing.T) *wizardtest.World {
	t.Helper()
	return wizardtest.New(t, baremetal.Wizard())
}

func host(n int, role, more string) []wizardtest.Line {
	return wizardtest.Lines(
		wizardtest.Line{"Host Name", fmt.Sprintf("host-%d", n)},
		wizardtest.Line{"BMC Address", fmt.Sprintf("redfish-virtualmedia://192.0.2.%d/redfish/v1/Systems/1", n)},
		wizardtest.Line{"BMC Username", "admin"}, wizardtest.Line{"BMC Password", fmt.Sprintf("bmc-secret-%d", n)},
		wizardtest.Line{"Boot MAC Address", fmt.Sprintf("52:54:00:00:00:%02x", n)},
		wizardtest.Line{"Role", role}, wizardtest.Line{"Another host?", more})
}

func TestBareMetal(t *testing.T) {
	w := newWorld(t)
	result, s, err := w.Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "baremetal"},
			wizardtest.Line{"Provisioning Network", ""},
			wizardtest.Line{"Machine Network", "192.0.2.0", "192.0.2.7/24", "10.128.0.0/24", "192.0.2.0/24"},
			wizardtest.Line{"API Virtual IP Address", "x", "198.51.100.5", "192.0.2.5"},
			wizardtest.Line{"Ingress Virtual IP Address", "192.0.2.5", "192.0.2.6"},
			host(11, "", ""), host(12, "", ""), host(13, "", "y"), host(14, "", ""), wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	w.Golden(t, "wizard.yaml", result.InstallConfig)
	if len(s.Refused) != 6 {
		t.Errorf("refused %q", s.Refused)
	}
	if !slices.Contains(s.Hidden, "bmc-secret-13") {
		t.Errorf("hidden %q", s.Hidden)
	}
}

// TestBareMetalUntilEnough asks for hosts until there are enough masters.
func TestBareMetalUntilEnough(t *testing.T) {
	_, s, err := newWorld(t).Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "baremetal"},
			wizardtest.Line{"Provisioning Network", ""},
			wizardtest.Line{"Machine Network", "192.0.2.0/24"}, wizardtest.Line{"API Virtual IP Address", "192.0.2.5"},
			wizardtest.Line{"Ingress Virtual IP Address", "192.0.2.6"},
			host(11, "master", "y"), host(12, "master", "n"), host(13, "master", "n"), wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(s.Said, "\n"), "These hosts are not enough") {
		t.Errorf("said %q", s.Said)
	}
}

// TestInterruptedAnywhere ends the questions at each of them.
func TestInterruptedAnywhere(t *testing.T) {
	all := wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "baremetal"},
		wizardtest.Line{"Provisioning Network", ""},
		wizardtest.Line{"Machine Network", "192.0.2.0/24"}, wizardtest.Line{"API Virtual IP Address", "192.0.2.5"},
		wizardtest.Line{"Ingress Virtual IP Address", "192.0.2.6"},
		host(11, "master", "n"), wizardtest.Ends)
	for i := range all {
		stop := slices.Clone(all[:i+1])
		stop[i] = wizardtest.Line{all[i][0], "!"}
		if _, _, err := newWorld(t).Run(t, stop...); !errors.Is(err, wizard.ErrInterrupted) {
			t.Errorf("at %s: %v", all[i][0], err)
		}
	}
}
