package create

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// The flag decides, then the file, then what the program was called.
func TestWhetherVirtualization(t *testing.T) {
	const head = "apiVersion: " + virtualization.APIVersion + "\nkind: " + virtualization.Kind + "\n"
	tests := []struct {
		name, file, program string
		bare                bool // the cluster has no lifecycle manager
		flag                Switch
		unless              string // the reason to leave it out
		err                 string
	}{
		{name: "nothing said"},
		{name: "nothing said, no operators", bare: true, unless: "OperatorLifecycleManager"},
		{name: "no operators in spite of the flag", bare: true, flag: On},
		{name: "a file", file: head},
		{name: "a file that says no", file: head + "enabled: false\n", unless: "enabled: false"},
		{name: "the flag against the file", file: head + "enabled: false\n", flag: On},
		{name: "the flag alone", flag: On},
		{name: "off in spite of a file", file: head, flag: Off, unless: "--virtualization off"},
		{name: "off in spite of a broken file", file: "kind: [", flag: Off, unless: "--virtualization off"},
		{name: "drop-in", program: "openshift-install", unless: "called as openshift-install"},
		{name: "drop-in with a file", program: "openshift-install", file: head},
		{name: "drop-in with the flag", program: "openshift-install", flag: On},
		{name: "a broken file", file: head + "storage: {type: floppy}\n", err: "storage.type"},
		{name: "an unknown key", file: head + "storag: {}\n", err: "storag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.env.Program, w.operators = tt.program, !tt.bare
			if tt.file != "" {
				if err := os.WriteFile(w.env.Path(virtualization.File), []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			unless, err := newCommand(w.env, Options{Virtualization: tt.flag}).virtualization(t.Context(), state{w})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || exit.Code(err) != exit.InstallConfig {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil || (unless == "") != (tt.unless == "") || !strings.Contains(unless, tt.unless) {
				t.Errorf("left out because %q, %v; want %q", unless, err, tt.unless)
			}
		})
	}
}

// A mistake in the file is told before anything is created.
func TestBrokenVirtualizationFile(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(w.env.Path(virtualization.File), []byte("kind: X\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.create(t.Context(), Options{}); exit.Code(err) != exit.InstallConfig {
		t.Errorf("error %v", err)
	}
	if len(w.calls) > 0 {
		t.Errorf("it did %v", w.calls)
	}
	w = newWorld(t)
	w.virtualization = errors.New("it does not fit")
	if err := w.create(t.Context(), Options{Virtualization: On}); err == nil || !strings.Contains(err.Error(), "not fit") {
		t.Errorf("error %v", err)
	}
	if len(w.calls) > 0 {
		t.Errorf("it did %v", w.calls)
	}
}
