// Package command runs other programs to their end.
package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Run runs a program and returns its output without the space around it. An
// error ends with the last lines of what the program printed.
func Run(ctx context.Context, name string, args ...string) (string, error) {
	return Output(exec.CommandContext(ctx, name, args...))
}

// Output is Run for a command that is prepared already. The output is there
// even if the command fails.
func Output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Args[0]), err, Tail(stdout.String()+stderr.String(), 20))
	}
	return strings.TrimSpace(stdout.String()), err
}

// Running returns the process whose id is in a file, or 0 if it has ended. Text
// from its arguments tells it from a stranger that got the same id.
func Running(pidFile, text string) int {
	b, err := os.ReadFile(pidFile)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(args), text) {
		return 0
	}
	return pid
}

// Tail returns the last lines of a text.
func Tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
