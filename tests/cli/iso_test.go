package cli

import (
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// liveISO makes a small live ISO: liveiso FILE [old|noargs|minimal]...
func liveISO(ts *testscript.TestScript, _ bool, args []string) {
	var l isotest.Layout
	for _, word := range args[1:] {
		switch word {
		case "old":
			l.Legacy = true
		case "noargs":
			l.NoKargs = true
		case "minimal":
			l.Minimal = true
		default:
			ts.Fatalf("unknown word %q", word)
		}
	}
	ts.Check(isotest.Write(ts.MkAbs(args[0]), l))
}
