package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/version"
	"github.com/okd-install/okd-install/pkg/wizard"
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
	stateKey  string

	sink     event.Sink // set once the streams are open
	log      *os.File
	terminal *event.Terminal
}

func (r *root) command() *cobra.Command {
	c := &cobra.Command{
		Use:   r.name(),
		Short: "Install OKD clusters that run virtual machines",
		Long: "okd-install takes one install-config.yaml and ends with a working OKD cluster\n" +
			"that runs virtual machines. Every command can be repeated: it goes on where an\nearlier run stopped.",
		SilenceErrors: true, SilenceUsage: true, RunE: help,
		PersistentPreRunE: func(*cobra.Command, []string) error { return r.check() },
	}
	c.SetFlagErrorFunc(misusedFlag)
	f := c.PersistentFlags()
	f.StringVar(&r.dir, "dir", ".", "directory of the installation")
	f.StringVar(&r.logLevel, "log-level", "info", "log level on standard error (debug, info, warn, error)")
	r.logFormat = "auto"
	f.Var(choice[string]{&r.logFormat, []string{"auto", "text", "json"}}, "log-format",
		"form of standard error (auto, text, json)")
	f.StringVar(&r.stateKey, "state-passphrase-file", "", "encrypt the state with the passphrase or age identity "+
		"in this file")
	c.AddCommand(createCommand(r), agentCommand(r), planCommand(r), waitForCommand(r), gatherCommand(r), destroyCommand(r),
		statusCommand(r), nodesCommand(r), virtualizationCommand(r), stateCommand(r), analyzeCommand(r), graphCommand(r),
		releaseCommand(r),
		coreosCommand(r), versionCommand(r), hiddenCommand(r), nodeAgentCommand(r), explainCommand(r),
		completionCommand(r), manCommand(r))
	finish(c)
	return c
}

// finish completes c and all commands below it: without a rule of their own they take no arguments.
func finish(c *cobra.Command) {
	if c.Args == nil {
		c.Args = noArguments
	}
	completeFlags(c)
	for _, sub := range c.Commands() {
		finish(sub)
	}
}

// group is a command that only has others below it.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, RunE: help}
	c.AddCommand(subs...)
	return c
}

// run makes a command do something in the environment that open returns.
func (r *root) run(
	c *cobra.Command, open func() (*install.Env, error), do func(context.Context, *install.Env) error,
) {
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		env, err := open()
		if err != nil {
			return err
		}
		return do(cmd.Context(), env)
	}
}

// name is what the program was called by.
func (r *root) name() string { return filepath.Base(r.args[0]) }

// noArguments refuses arguments, and suggests commands.
func noArguments(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !c.HasAvailableSubCommands():
		return misused(c, fmt.Errorf("%s takes no arguments, but got %q", c.CommandPath(), args[0]))
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	if c.SuggestionsMinimumDistance == 0 {
		c.SuggestionsMinimumDistance = 2
	}
	if guesses := c.SuggestionsFor(args[0]); len(guesses) > 0 {
		text += fmt.Sprintf("; did you mean %q?", guesses[0])
	}
	return misused(c, errors.New(text))
}

// misused is an error of the person who typed the command.
func misused(c *cobra.Command, err error) error {
	return exit.With(exit.Other, c.CommandPath()+" --help", err)
}

// check looks at the flags that every command has.
func (r *root) check() error {
	r.logLevel = strings.ToLower(r.logLevel)
	if _, known := levels[r.logLevel]; !known {
		return fmt.Errorf("invalid --log-level %q: choose one of debug, info, warn, error", r.logLevel)
	}
	return nil
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

var levels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"warning": slog.LevelWarn, "error": slog.LevelError, "fatal": event.LevelFatal, "panic": event.LevelFatal,
}

// start opens the directory, which it creates if need be, the log file and the output, and returns the environment that
// commands work with.
func (r *root) start() (*install.Env, error) {
	if err := os.MkdirAll(r.dir, 0o750); err != nil {
		return nil, elsewhere(fmt.Errorf("make assets directory: %w", err))
	}
	return r.resume()
}

// resume is start for commands that go on with what an earlier run began: the directory must exist.
func (r *root) resume() (*install.Env, error) {
	if err := r.exists(); err != nil {
		return nil, err
	}
	var err error
	r.log, err = os.OpenFile(filepath.Join(r.dir, logName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if errors.Is(err, syscall.EROFS) { // waiting and destroying go without it
		r.log = nil
		env := r.environment()
		event.Warn(env.Sink, "There will be no log of this run: "+err.Error())
		return env, nil
	}
	if err != nil {
		return nil, elsewhere(fmt.Errorf("open log file: %w", err))
	}
	file := event.NewLogFile(r.log)
	env := r.environment(file)
	now := env.Clock.Now()
	file.Emit(event.Event{Time: now, Level: slog.LevelDebug, Message: "okd-install " + version.String()})
	file.Emit(event.Event{Time: now, Level: slog.LevelDebug, Message: "Built from commit " + version.Commit})
	return env, nil
}

// look is for commands that write nothing, not even a log.
func (r *root) look() (*install.Env, error) {
	if err := r.exists(); err != nil {
		return nil, err
	}
	return r.environment(), nil
}

func (r *root) exists() error {
	info, err := os.Stat(r.dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", r.dir)
	}
	if err != nil {
		return elsewhere(fmt.Errorf("open assets directory: %w", err))
	}
	return nil
}

// elsewhere adds the next step for a directory that cannot be used.
func elsewhere(err error) error {
	return exit.With(exit.Other, "name the directory of the installation with --dir", err)
}

func (r *root) environment(more ...event.Sink) *install.Env {
	clk := clock.Real()
	env := &install.Env{
		Dir: r.dir, Clock: clk, Stdout: r.streams.out, Getenv: r.getenv, StateKeyFile: r.stateKey,
		Program: r.name(), Command: strings.Join(r.args[1:], " "), Platforms: platforms.All(),
	}
	// A program reads JSON; it cannot answer questions.
	if errFile, isFile := r.streams.err.(*os.File); isFile && r.logFormat != "json" {
		if t := wizard.NewTerminal(r.streams.in, errFile); t != nil {
			env.Asker = t
		}
	}
	all := event.Multi(append(more, r.screen(levels[r.logLevel]))...)
	r.sink = event.Stamped(clk.Now, event.Redacted(env.Clean, all))
	env.Sink = r.sink
	return env
}

// screen writes to standard error.
func (r *root) screen(level slog.Level) event.Sink {
	if r.logFormat == "json" {
		return event.NewJSON(r.streams.err, level)
	}
	f, isFile := r.streams.err.(*os.File)
	if r.logFormat == "text" || !isFile || !term.IsTerminal(int(f.Fd())) {
		return event.NewText(r.streams.err, level)
	}
	width := func() int {
		w, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80
		}
		return w
	}
	r.terminal = event.NewTerminal(f, level, width, time.Now)
	return r.terminal
}

// fail prints what failed and what to do next, and returns the exit code.
func (r *root) fail(ctx context.Context, err error) int {
	sink := r.sink
	if sink == nil {
		sink = event.Stamped(time.Now, r.screen(slog.LevelInfo))
	}
	say := func(level slog.Level, text string) {
		sink.Emit(event.Event{Kind: event.Log, Level: level, Message: text})
	}
	if exit.IsInterrupted(ctx) {
		if r.sink != nil {
			for _, line := range install.AfterInterruption(err) {
				say(slog.LevelWarn, line)
			}
		}
		// The error of the interrupted work says no more than that.
		say(event.LevelFatal, context.Cause(ctx).Error())
		return exit.Interrupted
	}
	say(event.LevelFatal, err.Error())
	if next := exit.Next(err); next != "" {
		say(slog.LevelInfo, "Next: "+next)
	}
	return exit.Code(err)
}

// panicked turns a panic, which is a bug, into an error for people; the stack goes into the log file only.
func (r *root) panicked(p any) error {
	if r.log != nil {
		event.NewLogFile(r.log).Emit(event.Event{
			Time: time.Now(), Level: slog.LevelDebug, Message: string(debug.Stack()),
		})
	}
	return exit.New("report this with "+filepath.Join(r.dir, logName)+"; the same command may be run again",
		"this is a bug in the program, not your mistake: %v", p)
}

func (r *root) close() {
	if r.terminal != nil {
		r.terminal.Close()
	}
	if r.log != nil {
		r.log.Close()
	}
}
