package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// hiddenFeatures are what no help of a command shows: environment variables, and commands without a use here.
func hiddenFeatures() []variable {
	return append(environment[:len(environment):len(environment)],
		variable{"create permissions-policy", "For clouds; says that there is none for these platforms."})
}

func hiddenCommand(r *root) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "list-hidden-features", Short: "List features that the help does not show", Hidden: true,
		Example: "  okd-install list-hidden-features --json",
		RunE: func(*cobra.Command, []string) error {
			features := hiddenFeatures()
			if asJSON {
				names := make([]string, len(features))
				for i, f := range features {
					names[i] = f.name
				}
				return json.NewEncoder(r.streams.out).Encode(names)
			}
			for _, f := range features {
				if _, err := fmt.Fprintf(r.streams.out, "%-48s %s\n", f.name, f.use); err != nil {
					return err
				}
			}
			return nil
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "print the names as a JSON list")
	return c
}
