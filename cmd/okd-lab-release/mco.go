package main

import "github.com/okd-install/okd-install/pkg/lab/release/multicall"

func mcoCommands() []multicall.Command {
	return nil
}
