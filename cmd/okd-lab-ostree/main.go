// Command okd-lab-ostree is "ostree container" in the lab's machines: ostree
// starts it for subcommands that it does not have itself.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/ostreecontainer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := ostreecontainer.Run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
