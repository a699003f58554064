package main

import "github.com/okd-install/okd-install/pkg/lab/release/multicall"

func controlCommands() []multicall.Command {
	return nil
}
