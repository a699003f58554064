package main

import (
	"github.com/okd-install/okd-install/pkg/lab/release/mco"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg"
)

// mcoCommands are the machine config operator's programs and those that
// configure the services of a node.
func mcoCommands() []multicall.Command {
	return []multicall.Command{
		{Name: "machine-config-operator", Run: mco.Operator},
		{Name: "machine-config-controller", Run: mco.Controller},
		{Name: "machine-config-server", Run: mco.Server},
		{Name: "machine-config-daemon", Run: mco.Daemon},
		{Name: "machine-config-osimagestream", Run: mco.OSImageStream},
		{Name: "runtimecfg", Run: runtimecfg.Main},
		{Name: "dynkeepalived", Run: runtimecfg.Keepalived},
		{Name: "monitor", Run: runtimecfg.HAProxy},
		{Name: "corednsmonitor", Run: runtimecfg.CoreDNS},
	}
}
