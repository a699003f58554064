package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
)

func dnsCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "dns",
		Short: "Add settings of your own to the lab's DNS and DHCP server, dnsmasq",
	}
	c.AddCommand(
		&cobra.Command{
			Use:     "set NAME FILE",
			Short:   "Use the settings of a file (- is standard input) until they are replaced or removed",
			Example: "  okd-lab dns set upi dnsmasq.conf",
			Args:    cobra.ExactArgs(2),
			RunE: func(c *cobra.Command, args []string) error {
				conf, err := readFile(c, args[1])
				if err != nil {
					return err
				}
				return show(c, o, http.MethodPut, "/dns/"+args[0], string(conf))
			},
		},
		&cobra.Command{
			Use: "remove NAME", Short: "Drop settings", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return show(c, o, http.MethodDelete, "/dns/"+args[0], nil)
			},
		},
		&cobra.Command{
			Use: "list", Short: "List the names of all settings", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				s, err := o.site()
				if err != nil {
					return err
				}
				var names []string
				if err := daemon.Dial(s).Do(c.Context(), http.MethodGet, "/dns", nil, &names); err != nil {
					return err
				}
				for _, n := range names {
					fmt.Fprintln(c.OutOrStdout(), n)
				}
				return nil
			},
		})
	return c
}

// readFile reads a file that the user named.
func readFile(c *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(c.InOrStdin())
	}
	return os.ReadFile(name)
}
