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
	set := o.command("set NAME FILE",
		"Use the settings of a file (- is standard input) until they are replaced or removed",
		cobra.ExactArgs(2), func(c *cobra.Command, s site.Site, args []string) error {
			conf, err := readFile(c, args[1])
			if err != nil {
				return err
			}
			return ask(c, s, http.MethodPut, "/dns/"+args[0], string(conf))
		})
	set.Example = "  okd-lab dns set upi dnsmasq.conf"
	list := o.command("list", "List the names of all settings",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			var names []string
			err := daemon.Dial(s).Do(c.Context(), http.MethodGet, "/dns", nil, &names)
			for _, n := range names {
				fmt.Fprintln(c.OutOrStdout(), n)
			}
			return err
		})
	c.AddCommand(set, list, o.request("remove NAME", "Drop settings", cobra.ExactArgs(1), http.MethodDelete, "/dns"))
	return c
}
