// Package program is how the programs of the lab's release start: each is a
// command of one binary, cmd/okd-lab-release. An image offers a command by a link
// named as OKD names the program, so one layer with one binary serves all images
// of the release.
package program

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Command is one program, or one verb of a program.
type Command struct {
	// Name is the base name of argv[0], or the verb, that selects the command.
	Name string
	// Run gets the arguments after the name. It returns when the program is done,
	// or soon after ctx ends.
	Run func(ctx context.Context, args []string) error
}

// Select finds the command for argv: by the base name of argv[0], or by argv[1]
// if argv[0] is not the name of a command.
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

// Verbs is a program whose first argument selects what it does.
func Verbs(name string, verbs ...Command) Command {
	return Command{Name: name, Run: func(ctx context.Context, args []string) error {
		if len(args) > 0 {
			if c, ok := find(verbs, args[0]); ok {
				return c.Run(ctx, args[1:])
			}
			return fmt.Errorf("%s: unknown verb %q; it has %s", name, args[0], names(verbs))
		}
		return fmt.Errorf("%s: no verb; it has %s", name, names(verbs))
	}}
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

// Logger writes text lines for the container's log.
func Logger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }
