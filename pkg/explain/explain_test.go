package explain_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

func TestPrint(t *testing.T) {
	for _, path := range []string{
		"installconfig", "installconfig.platform", "installconfig.networking", "installconfig.publish",
		"installconfig.platform.baremetal.hosts", "virtualization", "virtualization.storage",
	} {
		t.Run(path, func(t *testing.T) {
			s, err := loadOf(t, explain.Of(path)).Find(path)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := s.Print(&b); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", path+".txt"), b.Bytes())
			for line := range strings.Lines(b.String()) {
				wrapped := !strings.Contains(line, "Default: ") && !strings.Contains(line, "Valid Values: ")
				if len(line) > 81 && wrapped && len(strings.Fields(line)) > 1 {
					t.Errorf("the line has %d characters: %s", len(line)-1, line)
				}
			}
		})
	}
}

func TestPrintTree(t *testing.T) {
	var b bytes.Buffer
	if err := load(t).PrintTree(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n    apiVersion <string> -required-\n",
		"\n    networking <object>\n       clusterNetwork <[]object>\n          cidr <string> -required-\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

func TestFind(t *testing.T) {
	s := load(t)
	for _, path := range []string{
		"installconfig", "InstallConfig", "installconfig.", "installconfig.platform.ovirt", "platform.ovirt.api_vips[0]",
		"compute[0].platform.ovirt.osDisk.sizeGB", "installconfig.compute.replicas", "metadata",
	} {
		if _, err := s.Find(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, tt := range []struct{ path, want string }{
		{"installconfig.platfrom", `installconfig has no field "platfrom"; did you mean installconfig.platform?`},
		{"installconfig.platfrom.ovirt", `installconfig has no field "platfrom"; did you mean installconfig.platform.ovirt?`},
		{"installconfig.platform.ovrit",
			`installconfig.platform has no field "ovrit"; did you mean installconfig.platform.ovirt?`},
		{"installconfig.ovirt", `installconfig has no field "ovirt"; did you mean installconfig.platform.ovirt?`},
		{"installconfig.baseDomain.x", `installconfig.baseDomain has no field "x"`},
		{"compute[0].replicsa",
			`installconfig.compute has no field "replicsa"; did you mean installconfig.compute.replicas?`},
		{"instalconfig", `installconfig has no field "instalconfig"; did you mean installconfig?`},
		{"coffee", `installconfig has no field "coffee"`},
		{"", `installconfig has no field ""`},
		{"installconfig..platform", `installconfig has no field ""`},
		{"installconfig.metadata.labels.mine", `installconfig.metadata.labels has no field "mine"`},
	} {
		_, err := s.Find(tt.path)
		if unknown := (*explain.UnknownError)(nil); !errors.As(err, &unknown) || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.path, err, tt.want)
		}
	}
}

func TestComplete(t *testing.T) {
	for typed, want := range map[string][]string{
		"":                    {"installconfig", "virtualization"},
		"inst":                {"installconfig"},
		"virtualization.stor": {"virtualization.storage"},
		"storage.l":           {"storage.lvm"},
		"installconfig.platf": {"installconfig.platform"},
		"installconfig.platform.": {
			"installconfig.platform.baremetal", "installconfig.platform.external",
			"installconfig.platform.none", "installconfig.platform.ovirt",
		},
		"installconfig.baseDomain.":       nil,
		"installconfig.nothing.":          nil,
		"installconfig.platform.external": {"installconfig.platform.external"},
	} {
		var got []string
		for _, c := range explain.Complete(typed) {
			path, about, _ := strings.Cut(c, "\t")
			if got = append(got, path); about == "" || strings.Contains(about, "\n") {
				t.Errorf("%s is described as %q", path, about)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is completed to %q, want %q", typed, got, want)
		}
	}
}
