// Package program is how the programs of the lab's release start. All are commands
// of one binary, cmd/okd-lab-release: an image links it under a program's name, so
// one layer serves all images of the release.
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
	// Run gets the arguments after the name. It ends soon after ctx does.
	Run func(ctx context.Context, args []string) error
}

// Select finds the command for argv: by the base name of argv[0], or by argv[1]
// if argv[0] is not the name of a command.
func Select(commands []Command, argv []string) (Command, []string, error) {
	if len(argv) > 0 {
		if c, ok := find(commands, filepath.Base(argv[0])); ok {
			return c, argv[1:], nil
		}
		argv = argv[1:]
	}
	return choose("select command", "name", commands, argv)
}

// Verbs is a program whose first argument selects what it does.
func Verbs(name string, verbs ...Command) Command {
	return Command{Name: name, Run: func(ctx context.Context, args []string) error {
		c, rest, err := choose(name, "verb", verbs, args)
		if err != nil {
			return err
		}
		return c.Run(ctx, rest)
	}}
}

// choose finds the command that the first argument names.
func choose(what, word string, commands []Command, args []string) (Command, []string, error) {
	problem := "no " + word + " given"
	if len(args) > 0 {
		if c, ok := find(commands, args[0]); ok {
			return c, args[1:], nil
		}
		problem = fmt.Sprintf("unknown %s %q", word, args[0])
	}
	return Command{}, nil, fmt.Errorf("%s: %s; commands: %s", what, problem, names(commands))
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
