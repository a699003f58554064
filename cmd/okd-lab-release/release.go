package main

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/release/configrender"
	"github.com/okd-install/okd-install/pkg/lab/release/cvo"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
)

func releaseCommands() []multicall.Command {
	return slices.Concat(configrender.Commands(), cvo.Commands())
}
