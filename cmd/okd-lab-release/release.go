package main

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/release/configrender"
	"github.com/okd-install/okd-install/pkg/lab/release/console"
	"github.com/okd-install/okd-install/pkg/lab/release/cvo"
	"github.com/okd-install/okd-install/pkg/lab/release/ingress"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
	"github.com/okd-install/okd-install/pkg/lab/release/network"
)

func releaseCommands() []multicall.Command {
	return slices.Concat(
		configrender.Commands(),
		cvo.Commands(),
		network.Commands(),
		ingress.Commands(),
		console.Commands(),
	)
}
