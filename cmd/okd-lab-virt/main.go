// okd-lab-virt is every operator of the lab's HyperConverged bundle but KubeVirt's, and NMState's, with what they run
// on nodes and in pods, in one static binary; the name it is called by selects the program.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd, args, err := program.Select(stack.Commands(), os.Args)
	if err == nil {
		err = cmd.Run(ctx, args)
	}
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		// The importer's last line is what the kubelet tells of it.
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}
