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

	"github.com/okd-install/okd-install/pkg/lab/release/clusterbootstrap"
	"github.com/okd-install/okd-install/pkg/lab/release/configrender"
	"github.com/okd-install/okd-install/pkg/lab/release/controlplane"
	"github.com/okd-install/okd-install/pkg/lab/release/cvo"
	"github.com/okd-install/okd-install/pkg/lab/release/etcd"
	"github.com/okd-install/okd-install/pkg/lab/release/ingress"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco"
	"github.com/okd-install/okd-install/pkg/lab/release/multus"
	"github.com/okd-install/okd-install/pkg/lab/release/network"
	"github.com/okd-install/okd-install/pkg/lab/release/olm"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := slices.Concat(
		configrender.Commands(),
		cvo.Commands(),
		clusterbootstrap.Commands(),
		etcd.Commands(),
		controlplane.Commands(),
		mco.Commands(),
		runtimecfg.Commands(),
		network.Commands(),
		ingress.Commands(),
		olm.Commands(),
		multus.Commands(),
	)
	cmd, args, err := program.Select(commands, os.Args)
	if err == nil {
		err = cmd.Run(ctx, args)
	}
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}
