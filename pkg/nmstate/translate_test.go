package nmstate_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// list shows keyfiles in one file.
func list(files []nmstate.Keyfile) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "-- %s --\n%s", f.Name, f.Data)
	}
	return b.String()
}

func TestTranslate(t *testing.T) {
	for _, c := range accepted {
		t.Run(c.name, func(t *testing.T) {
			files, r := nmstate.Read("host.yaml", []byte(c.text))
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			out := list(files)
			for _, w := range r.Lines(true) {
				out = "warning: " + w + "\n" + out
			}
			golden.Compare(t, "testdata/"+strings.ReplaceAll(c.name, " ", "-")+".golden", out)
			again, _ := nmstate.Read("host.yaml", []byte(c.text))
			if list(again) != list(files) {
				t.Error("the same configuration has other keyfiles")
			}
			for _, f := range files {
				p, err := keyfile.Parse(f.Data)
				if err != nil || !bytes.Equal(p.Format(), f.Data) {
					t.Errorf("%s is not the same after reading it: %v", f.Name, err)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range slices.Concat(refusedLinks, refusedIP) {
		t.Run(c.name, func(t *testing.T) {
			files, r := nmstate.Read("host.yaml", []byte(c.text))
			if files != nil || !r.Failed() {
				t.Fatalf("was accepted:\n%s", list(files))
			}
			if got := strings.Join(r.Lines(false), "\n"); got != c.want {
				t.Errorf("got:  %s\nwant: %s", got, c.want)
			}
		})
	}
}

func TestWarned(t *testing.T) {
	for _, c := range warned {
		t.Run(c.name, func(t *testing.T) {
			_, r := nmstate.Read("host.yaml", []byte(c.text))
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Lines(true), "\n"); got != c.want {
				t.Errorf("got:  %s\nwant: %s", got, c.want)
			}
		})
	}
}

// TestNamesAreUnique holds the tables: golden files are named after their case.
func TestNamesAreUnique(t *testing.T) {
	var names []string
	for _, c := range accepted {
		names = append(names, c.name)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
}
