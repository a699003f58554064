// Package program is how the programs of the lab's release start. All are commands
// of one binary, cmd/okd-lab-release: an image links it under a program's name, so
// one layer serves all images of the release.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/wait"
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

// Serve runs servers until ctx ends; one with a TLS configuration speaks TLS.
func Serve(ctx context.Context, servers ...*http.Server) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		s.ReadHeaderTimeout = 10 * time.Second
		g.Go(func() error {
			listen := s.ListenAndServe
			if s.TLSConfig != nil {
				listen = func() error { return s.ListenAndServeTLS("", "") }
			}
			if err := listen(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", s.Addr, err)
			}
			return nil
		})
		g.Go(func() error {
			<-ctx.Done()
			return s.Close()
		})
	}
	return g.Wait()
}

// Fill fills in a template. A field or key that does not exist is an error.
func Fill(name string, text []byte, data any) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").
		Funcs(template.FuncMap{"join": strings.Join}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("fill in template: %w", err)
	}
	return out.Bytes(), nil
}

// FillFile fills in a template that is a file.
func FillFile(files fs.FS, name string, data any) ([]byte, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return Fill(name, text, data)
}

// Loop calls step until ctx ends, pausing as long as it says. An error is logged
// once per cause, and so is its end.
func Loop(ctx context.Context, clk clock.Clock, log *slog.Logger,
	step func(context.Context) (pause time.Duration, err error)) {
	last := ""
	for {
		pause, err := step(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil && last != "":
			log.Info("works again")
			last = ""
		case err != nil && err.Error() != last:
			last = err.Error()
			log.Error("step failed", "error", err)
		}
		if clk.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// Wait looks every so often until nothing is missing or ctx ends, and logs each
// change of what look returns. A look may take ten seconds.
func Wait(ctx context.Context, clk clock.Clock, log *slog.Logger, what string, every time.Duration,
	look func(context.Context) error) error {
	last := ""
	err := wait.Until(ctx, clk, every, func(ctx context.Context) (bool, string, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		missing := look(ctx)
		if missing == nil {
			return true, "", nil
		}
		if missing.Error() != last {
			last = missing.Error()
			log.Info("waiting", "for", what, "state", last)
		}
		return false, last, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	log.Info("done waiting", "for", what)
	return nil
}

// News logs states, each once and not each time that it is seen.
type News struct {
	Log  *slog.Logger
	last map[string]string
}

// Say logs the state of something if it is not the last one.
func (n *News) Say(of, state string) {
	if n.last == nil {
		n.last = map[string]string{}
	}
	if n.last[of] != state {
		n.last[of] = state
		n.Log.Info("state", "of", of, "is", state)
	}
}
