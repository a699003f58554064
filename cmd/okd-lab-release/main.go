// okd-lab-release is every operator, renderer and agent of the lab release in
// one static binary; the name it is called by selects the program.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := slices.Concat(releaseCommands(), controlCommands(), mcoCommands())
	cmd, args, err := multicall.Select(commands, os.Args)
	if err == nil {
		err = cmd.Run(ctx, args)
	}
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}
