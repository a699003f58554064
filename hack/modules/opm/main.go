// opm serves and validates catalogs of operators, as in OKD's catalog images. The commands
// that pull images or keep databases, which those images do not need, are left out.
package main

import (
	"os"

	"github.com/operator-framework/operator-registry/cmd/opm/serve"
	"github.com/operator-framework/operator-registry/cmd/opm/validate"
	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{Use: "opm", Short: "operator package manager", SilenceUsage: true}
	root.AddCommand(serve.NewCmd(), validate.NewCmd())
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
