// Package multicall runs one of several commands that live in one binary.
//
// Every operator, renderer and agent of the lab release is a Command of
// cmd/okd-lab-release. An image offers a command by a link named as OKD names
// the binary, so one layer with one binary serves all images of the release.
package multicall

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Command is one program of the multi-call binary.
type Command struct {
	// Name is the base name of argv[0] that selects the command.
	Name string
	// Run gets the arguments after the name. It returns when the program is
	// done, or soon after ctx ends.
	Run func(ctx context.Context, args []string) error
}

// Select finds the command for argv: by the base name of argv[0], or by
// argv[1] when argv[0] is not the name of a command.
func Select(commands []Command, argv []string) (Command, []string, error) {
	if len(argv) == 0 {
		return Command{}, nil, fmt.Errorf("select command: empty argument list; commands: %s", names(commands))
	}
	if c, ok := find(commands, filepath.Base(argv[0])); ok {
		return c, argv[1:], nil
	}
	if len(argv) < 2 {
		return Command{}, nil, fmt.Errorf("select command: no name given; commands: %s", names(commands))
	}
	if c, ok := find(commands, argv[1]); ok {
		return c, argv[2:], nil
	}
	return Command{}, nil, fmt.Errorf("select command: unknown name %q; commands: %s", argv[1], names(commands))
}

func find(commands []Command, name string) (Command, bool) {
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return commands[i], true
}

func names(commands []Command) string {
	out := make([]string, 0, len(commands))
	for _, c := range commands {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
