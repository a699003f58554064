package contract

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestOf(t *testing.T) {
	for version, want := range map[string]string{
		"5.0.0-okd-lab.1": "5.0", "4.20.0": "4.20", "4.22": "4.22", "4.9.0": "", "6.0.0": "", "5": "", "": "",
	} {
		got, err := Of(version)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("version %q is release %q, %v; want %q", version, got, err, want)
		}
	}
	all, err := Releases()
	if err != nil || !slices.Equal(all, []string{"4.19", "4.20", "4.21", "4.22", "4.23", "5.0", "5.1"}) {
		t.Errorf("releases %v, %v", all, err)
	}
}

func TestSince(t *testing.T) {
	for _, c := range []struct {
		version, release string
		want             bool
	}{{"4.20.0-okd-lab.1", "4.21", false}, {"4.21.0", "4.21", true}, {"5.0.0", "4.23", true},
		{"4.9.1", "4.10", false}} {
		if got := Since(c.version, c.release); got != c.want {
			t.Errorf("%s since %s: %v", c.version, c.release, got)
		}
	}
}

// TestParse calls the renderer of the version operator, which has had a flag
// only since 4.22, one that is the lab's alone, and one that the lab has no use for.
func TestParse(t *testing.T) {
	for _, c := range []struct{ version, args, problem string }{
		{"4.20.0", "--output-dir=/o", ""},
		{"4.20.0", "--output-dir=/o --cluster-version-manifest-path=/m",
			"unknown flag: --cluster-version-manifest-path"},
		{"4.22.0", "--output-dir=/o --cluster-version-manifest-path=/m", ""},
		{"5.0.0", "--output-dir=/o --own=/m", "unknown flag: --own"},
		{"5.0.0", "--output-dir=/o --feature-gate-manifest-path /m", ""},
		{"5.0.0", "--feature-gate-manifest-path=/m", "--output-dir is required"},
		{"5.0.0", "--output-dir=/o more", `unexpected argument "more"`},
		{"4.9.0", "--output-dir=/o", "the lab can be release 4.19"},
		{"5.0.0", "--help", pflag.ErrHelp.Error()},
	} {
		t.Run(c.version+" "+c.args, func(t *testing.T) {
			t.Setenv(VersionVariable, c.version)
			f := Flags("cluster-version-operator render")
			f.String("output-dir", "", "")
			f.String("cluster-version-manifest-path", "", "")
			f.String("own", "", "")
			err := Parse(f, strings.Fields(c.args), "output-dir")
			if c.problem == "" && err != nil || c.problem != "" &&
				(err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}

// TestSwitches takes flags without a value that only the release has.
func TestSwitches(t *testing.T) {
	f := Flags("cluster-bootstrap start")
	dir := f.String("asset-dir", "", "")
	early := f.Bool("tear-down-early", true, "")
	err := Parse(f, strings.Fields("--strict --tear-down-early=false --asset-dir=/a"), "asset-dir")
	if err != nil || *dir != "/a" || *early {
		t.Errorf("asset-dir %q, tear-down-early %v, %v", *dir, *early, err)
	}
}

// TestParseWithArguments is of a command that OKD does not have.
func TestParseWithArguments(t *testing.T) {
	f := Flags("runtimecfg supervise")
	f.String("socket", "", "")
	rest, err := ParseWithArguments(f, strings.Fields("--socket=/s -- program --its-flag"), "socket")
	if err != nil || !slices.Equal(rest, []string{"program", "--its-flag"}) {
		t.Errorf("got %q, %v", rest, err)
	}
}
