package main

import "github.com/okd-install/okd-install/pkg/lab/release/multicall"

func releaseCommands() []multicall.Command {
	return nil
}
