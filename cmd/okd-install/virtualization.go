package main

import "github.com/spf13/cobra"

func virtualizationCommand(r *root) *cobra.Command {
	return group("virtualization", "Virtualization of a cluster", virtualizationTest(r))
}
