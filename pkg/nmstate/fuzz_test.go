package nmstate_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
)

// FuzzRead looks for configurations that make the translation panic, break the form of its
// messages or of the files, or give something else the second time.
func FuzzRead(f *testing.F) {
	for _, c := range accepted {
		f.Add([]byte(c.text))
	}
	for _, c := range slices.Concat(refusedLinks, refusedIP, warned) {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files, r := nmstate.Read("host.yaml", data)
		if files != nil && r.Failed() {
			t.Fatal("there are keyfiles and findings")
		}
		for _, l := range append(r.Lines(false), r.Lines(true)...) {
			if strings.ContainsAny(l, "\n\r") || !strings.HasPrefix(l, "host.yaml") {
				t.Fatalf("message %q", l)
			}
		}
		if again, _ := nmstate.Read("host.yaml", data); list(again) != list(files) {
			t.Fatal("the same configuration has other keyfiles")
		}
		for _, file := range files {
			p, err := keyfile.Parse(file.Data)
			if err != nil || !bytes.Equal(p.Format(), file.Data) {
				t.Fatalf("%s is not the same after reading it: %v\n%s", file.Name, err, file.Data)
			}
			if strings.ContainsAny(file.Name, "/\x00") || p.Get("connection", "id")+keyfile.Suffix != file.Name {
				t.Fatalf("file name %q", file.Name)
			}
		}
		if _, err := keyfile.Rename(files, nil, nil); err != nil && !strings.Contains(err.Error(), "are both for") {
			t.Fatal(err)
		}
	})
}
