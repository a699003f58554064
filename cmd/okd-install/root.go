package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/version"
)

const logName = ".openshift_install.log"

// root holds the flags that every command has, and what they open.
type root struct {
	streams streams
	getenv  func(string) string
	args    []string

	dir       string
	logLevel  string
	logFormat string

	app      *install.App
	sink     event.Sink // set once the streams are open
	log      *os.File
	terminal *event.Terminal
}

func (r *root) command() *cobra.Command {
	c := &cobra.Command{
		Use:           filepath.Base(r.args[0]),
		Short:         "Install OKD clusters that run virtual machines",
		Long:          "okd-install takes one install-config.yaml and ends with a working OKD cluster\nthat runs virtual machines. Every command can be repeated: it goes on where an\nearlier run stopped.",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs, RunE: help,
	}
	f := c.PersistentFlags()
	f.StringVar(&r.dir, "dir", ".", "assets directory")
	f.StringVar(&r.logLevel, "log-level", "info", "log level on standard error (debug, info, warn, error)")
	f.StringVar(&r.logFormat, "log-format", "auto", "form of standard error (auto, text, json)")
	c.AddCommand(createCommand(r), planCommand(r), waitForCommand(r), gatherCommand(r), destroyCommand(r),
		statusCommand(r), graphCommand(r), versionCommand(r))
	return c
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

var levels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"warning": slog.LevelWarn, "error": slog.LevelError, "fatal": event.LevelFatal,
}

// start opens the directory, the log file and the output, and returns the
// application that commands call.
func (r *root) start(o install.Options) (*install.App, error) {
	level, known := levels[r.logLevel]
	if !known {
		return nil, fmt.Errorf("invalid --log-level %q: choose one of debug, info, warn, error", r.logLevel)
	}
	screen, err := r.screen(level)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.dir, 0o750); err != nil {
		return nil, fmt.Errorf("make assets directory: %w", err)
	}
	r.log, err = os.OpenFile(filepath.Join(r.dir, logName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	file := event.NewLogFile(r.log)
	clk := clock.Real()
	app := &install.App{
		Dir: r.dir, Clock: clk, Stdout: r.streams.out, Getenv: r.getenv, Options: o,
		Command: strings.Join(r.args[1:], " "),
	}
	r.app = app
	r.sink = event.Stamped(clk.Now, event.Redacted(app.Clean, event.Multi(file, screen)))
	app.Sink = r.sink
	file.Emit(event.Event{Time: clk.Now(), Level: slog.LevelDebug, Message: "okd-install " + version.Version})
	file.Emit(event.Event{Time: clk.Now(), Level: slog.LevelDebug, Message: "Built from commit " + version.Commit})
	return app, nil
}

// screen is what people or pipelines see on standard error.
func (r *root) screen(level slog.Level) (event.Sink, error) {
	switch r.logFormat {
	case "json":
		return event.NewJSON(r.streams.err, level), nil
	case "text":
		return event.NewText(r.streams.err, level), nil
	case "auto":
		f, isFile := r.streams.err.(*os.File)
		if !isFile || !term.IsTerminal(int(f.Fd())) {
			return event.NewText(r.streams.err, level), nil
		}
		width := func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80
			}
			return w
		}
		r.terminal = event.NewTerminal(f, level, width, time.Now)
		return r.terminal, nil
	}
	return nil, fmt.Errorf("invalid --log-format %q: choose auto, text or json", r.logFormat)
}

// fail tells what failed and what to do next.
func (r *root) fail(ctx context.Context, err error) {
	sink := r.sink
	if sink == nil {
		sink = event.NewText(r.streams.err, slog.LevelInfo)
	}
	say := func(level slog.Level, text string) {
		sink.Emit(event.Event{Kind: event.Log, Level: level, Message: text})
	}
	if install.Interrupted(ctx) && r.app != nil {
		for _, line := range r.app.Leftovers() {
			say(slog.LevelWarn, line)
		}
	}
	say(event.LevelFatal, err.Error())
	if next := install.NextStep(err); next != "" {
		say(slog.LevelInfo, "Next: "+next)
	}
}

func (r *root) close() {
	if r.terminal != nil {
		r.terminal.Close()
	}
	if r.log != nil {
		r.log.Close()
	}
}

// editedFlags adds the flags that decide about edited files.
func editedFlags(c *cobra.Command, o *install.Options) {
	keep := c.Flags().Bool("keep-edited", false, "keep files that you edited although what they were made from changed")
	overwrite := c.Flags().Bool("overwrite-edited", false, "make such files anew; your edits are lost")
	c.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case *keep && *overwrite:
			return errors.New("--keep-edited and --overwrite-edited exclude each other")
		case *keep:
			o.Edited = asset.Keep
		case *overwrite:
			o.Edited = asset.Overwrite
		}
		return nil
	}
}
