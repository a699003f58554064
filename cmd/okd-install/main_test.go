package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/exit"
)

func nothing(string) string { return "" }

// call runs the program in this process.
func call(ctx context.Context, args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(ctx, append([]string{"/usr/bin/okd-install"}, args...), streams{out: &o, err: &e}, nothing)
	return code, o.String(), e.String()
}

// TestEveryCommandIsExplained checks the help of every command.
func TestEveryCommandIsExplained(t *testing.T) {
	root := (&root{args: []string{"okd-install"}}).command()
	leaves := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || !strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZ", c.Short[:1]) ||
			strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short help %q", c.CommandPath(), c.Short)
		}
		if c.Args == nil || c.RunE == nil {
			t.Errorf("%s: does not refuse arguments, or does nothing", c.CommandPath())
		}
		if !c.HasSubCommands() {
			leaves++
			for line := range strings.Lines(c.Example) {
				if !strings.HasPrefix(line, "  ") {
					t.Errorf("%s: example %q is not indented", c.CommandPath(), line)
				}
			}
			if c.Example == "" && c.Name() != "version" {
				t.Errorf("%s has no example", c.CommandPath())
			}
			if c.Example != "" && !strings.Contains(c.Example, c.CommandPath()) {
				t.Errorf("%s: the example does not show it", c.CommandPath())
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	if leaves < 12 {
		t.Errorf("only %d commands", leaves)
	}
}

func TestExitCodesAndStreams(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		code int
		out  string
		err  string
	}{
		{"", 0, "Usage:", ""},
		{"create", 0, "ignition-configs", ""},
		{"version", 0, "okd-install ", ""},
		{"graph", 0, "digraph", ""},
		{"version please", 1, "", `okd-install version takes no arguments, but got "please"`},
		{"crate", 1, "", `did you mean "create"?`},
		{"version --loud", 1, "", "Next: okd-install version --help"},
		{"version --log-level loud", 1, "", `invalid --log-level "loud"`},
		{"version --log-level ''", 1, "", "invalid --log-level"},
		{"version --log-format xml", 1, "", `invalid --log-format "xml"`},
		{"version --log-format json --log-level loud", 1, "", `"level":"fatal"`},
		{"create cluster --skip coffee", 1, "", `invalid --skip "coffee": choose from preflight, `},
		{"create cluster --timeout soon", 1, "", "--timeout"},
		{"plan -o yaml", 1, "", "Next: okd-install plan --help"},
		{"status --dir " + file, 1, "", "is not a directory"},
		{"destroy cluster --dir " + file + ".none", 1, "", "Next: name the directory of the installation with --dir"},
		{"create cluster --dir " + filepath.Dir(file), 1, "", "install-config.example.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			code, out, err := call(t.Context(), strings.Fields(tt.args)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(out, tt.out) || tt.out == "" && out != "" {
				t.Errorf("stdout %q, want %q", out, tt.out)
			}
			if !strings.Contains(err, tt.err) || tt.err == "" && err != "" {
				t.Errorf("stderr %q, want %q", err, tt.err)
			}
		})
	}
}

func TestLookingWritesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, args := range []string{
		"status", "status -o json", "status --phases", "status --quiet", "analyze", "create cluster --nope",
		"plan -o yaml",
	} {
		call(t.Context(), append(strings.Fields(args), "--dir", dir)...)
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s left %v, %v", args, left, err)
		}
	}
}

func TestInterruptedRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(exit.ErrInterrupted)
	dir := t.TempDir()
	config, err := os.ReadFile("../../install-config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "install-config.yaml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, said := call(ctx, "create", "cluster", "--dir", dir)
	if code != exit.Interrupted || out != "" {
		t.Errorf("exit code %d, stdout %q", code, out)
	}
	if !strings.Contains(said, "Interrupted before anything was created") ||
		strings.Contains(said, "context canceled") {
		t.Errorf("said\n%s", said)
	}
}

func TestLogFileIsPrivateAndComplete(t *testing.T) {
	dir := t.TempDir()
	code, _, _ := call(t.Context(), "create", "manifests", "--dir", dir, "--log-level", "error")
	if code != exit.Other {
		t.Fatalf("exit code %d", code)
	}
	path := filepath.Join(dir, logName)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info, err)
	}
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(log), "\n")
	if !strings.Contains(lines[0], `msg="okd-install `) || !strings.Contains(lines[1], `msg="Built from commit `) {
		t.Errorf("begins with %q", lines[:2])
	}
	if !strings.Contains(string(log), "level=fatal") || !strings.Contains(string(log), `level=info msg="Next: `) {
		t.Errorf("log\n%s", log)
	}
}

// A panic is reported as a bug of the program, without a stack on the screen.
func TestPanicIsToldToPeople(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), logName))
	if err != nil {
		t.Fatal(err)
	}
	r := &root{dir: "d", log: log}
	func() {
		defer func() { err = r.panicked(recover()) }()
		panic("index out of range")
	}()
	r.close()
	if exit.Code(err) != exit.Other || !strings.Contains(err.Error(), "index out of range") ||
		strings.Contains(err.Error(), "goroutine") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(log.Name()); !strings.Contains(string(text), "goroutine") {
		t.Errorf("the log does not say where it was:\n%s", text)
	}
}
