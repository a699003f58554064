package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/site"
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
			RunE: o.run(func(c *cobra.Command, s site.Site, args []string) error {
				conf, err := readFile(c, args[1])
				if err != nil {
					return err
				}
				return ask(c, s, http.MethodPut, "/dns/"+args[0], string(conf))
			}),
		},
		&cobra.Command{
			Use: "list", Short: "List the names of all settings", Args: cobra.NoArgs,
			RunE: o.run(func(c *cobra.Command, s site.Site, _ []string) error {
				var names []string
				err := daemon.Dial(s).Do(c.Context(), http.MethodGet, "/dns", nil, &names)
				for _, n := range names {
					fmt.Fprintln(c.OutOrStdout(), n)
				}
				return err
			}),
		},
		o.request("remove NAME", "Drop settings", cobra.ExactArgs(1), http.MethodDelete, "/dns"))
	return c
}
