package command_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

func TestRun(t *testing.T) {
	out, err := command.Run(t.Context(), "sh", "-c", "echo; echo out; echo note >&2")
	if err != nil || out != "out" {
		t.Errorf("Run = %q, %v", out, err)
	}
	out, err = command.Run(t.Context(), "sh", "-c", "seq 30; echo broken >&2; exit 3")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.HasPrefix(out, "1\n2\n") {
		t.Errorf("a failed command: %q, %v", out, err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "sh: ") || !strings.HasSuffix(text, "\n30\nbroken") ||
		strings.Contains(text, "\n11\n") {
		t.Errorf("the error should be short and say what was printed last: %s", text)
	}
}

func TestRunning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	self := filepath.Base(os.Args[0])
	for content, want := range map[string]int{fmt.Sprintln(os.Getpid()): os.Getpid(), "": 0, "0": 0, "x": 0} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := command.Running(file, self); got != want {
			t.Errorf("with %q in the file: process %d, want %d", content, got, want)
		}
		if got := command.Running(file, "another program"); got != 0 {
			t.Errorf("with %q in the file: a stranger is taken for the process", content)
		}
	}
	if got := command.Running(file+"-absent", self); got != 0 {
		t.Errorf("without a file: process %d", got)
	}
}
