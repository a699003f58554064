// Command okd-install installs OKD clusters that run virtual machines.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/okd-install/okd-install/pkg/exit"
)

func main() {
	os.Exit(run(context.Background(), os.Args, streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Getenv))
}

// streams are where a run writes: data to out, everything else to err. Answers
// come from in; without one nothing is asked.
type streams struct {
	in       *os.File
	out, err io.Writer
}

// run is the whole program but for the process: tests call it.
func run(ctx context.Context, args []string, s streams, getenv func(string) string) (code int) {
	ctx, stop := signalled(ctx)
	defer stop()
	r := &root{streams: s, getenv: getenv, args: args}
	defer r.close()
	defer func() {
		if p := recover(); p != nil {
			code = r.fail(ctx, r.panicked(p))
		}
	}()
	cmd := r.command()
	cmd.SetArgs(args[1:])
	cmd.SetOut(s.out)
	cmd.SetErr(s.err)
	if err := cmd.ExecuteContext(ctx); err != nil {
		return r.fail(ctx, err)
	}
	return exit.OK
}

// signalled ends the context with exit.ErrInterrupted at the first SIGINT or
// SIGTERM. A second one ends the process at once: the next run copes with that.
func signalled(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case sig := <-signals:
			name := "SIGINT"
			if sig == syscall.SIGTERM {
				name = "SIGTERM"
			}
			cancel(fmt.Errorf("%w by %s", exit.ErrInterrupted, name))
		case <-ctx.Done():
			return
		}
		<-signals
		os.Exit(exit.Interrupted)
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(errors.New("the program ends"))
	}
}
