package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

func hostsCommand(o *options) *cobra.Command {
	var output string
	show := func(c *cobra.Command, s site.Site, _ []string) error {
		list, err := hosts(c, s)
		switch {
		case err != nil:
			return err
		case output == "json":
			return printJSON(c, list)
		}
		return printHosts(c, list)
	}
	c := o.command("hosts", "Make physical hosts, and work their firmware and buttons", cobra.NoArgs, show)
	list := o.command("list", "List the hosts", cobra.NoArgs, show)
	list.Flags().StringVarP(&output, "output", "o", "", "json")
	remove := func(c *cobra.Command, s site.Site, name string) error {
		return ask(c, s, http.MethodDelete, "/hosts/"+name, nil)
	}
	c.AddCommand(list, hostShowCommand(o), hostCreateCommand(o), hostBootCommand(o), hostMediaCommand(o),
		hostPowerCommand(o), consoleCommand(o),
		o.command("fault NAME FAULT...",
			"Break a host: dead-disk=sdb, slow-disk=sda:5MiB/s, cut-link, cut-link=ens4, or its BMC; none mends both",
			cobra.MinimumNArgs(2), func(c *cobra.Command, s site.Site, args []string) error {
				return ask(c, s, http.MethodPut, "/hosts/"+args[0]+"/faults", daemon.Broken{Faults: args[1:]})
			}),
		o.command("remove NAME...", "Remove hosts, with their disks", cobra.MinimumNArgs(1), forEach(remove)))
	return c
}

func hosts(c *cobra.Command, s site.Site) ([]daemon.Host, error) {
	var list []daemon.Host
	return list, daemon.Dial(s).Do(c.Context(), http.MethodGet, "/hosts", nil, &list)
}

func printHosts(c *cobra.Command, list []daemon.Host) error {
	if len(list) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSTATE\tADDRESSES\tMAC\tDISKS\tBOOT\tMEDIUM\tBMC")
	for _, h := range list {
		var addrs, order []string
		for _, a := range h.Addresses {
			addrs = append(addrs, a.String())
		}
		for _, from := range h.Order {
			order = append(order, string(from))
		}
		if h.Once != "" {
			order = append([]string{string(h.Once) + " (once)"}, order...)
		}
		medium := "no"
		if h.Media != "" {
			medium = "yes"
		}
		controller := "no"
		if h.BMC != nil {
			controller = h.BMC.Address.String() + " " + h.BMC.Profile
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", h.Name, h.State, strings.Join(addrs, " "),
			strings.Join(h.MACs, " "), len(h.Disks), strings.Join(order, ","), medium, controller)
	}
	return w.Flush()
}

func hostShowCommand(o *options) *cobra.Command {
	return o.command("show NAME", "Print a host's hardware and settings, and the login of its BMC, as JSON",
		cobra.ExactArgs(1), func(c *cobra.Command, s site.Site, args []string) error {
			list, err := hosts(c, s)
			if err != nil {
				return err
			}
			for _, h := range list {
				if h.Name == args[0] || h.ID == args[0] {
					return printJSON(c, h)
				}
			}
			return fmt.Errorf("there is no host %s; okd-lab hosts list shows all", args[0])
		})
}

func hostCreateCommand(o *options) *cobra.Command {
	var n daemon.NewHost
	var disks []string
	c := o.command("create NAME", "Put a physical host into the rack; it is off, and its disks are empty",
		cobra.ExactArgs(1), func(c *cobra.Command, s site.Site, args []string) error {
			n.Name = args[0]
			for _, text := range disks {
				d, err := host.ParseDisk(text)
				if err != nil {
					return err
				}
				n.Disks = append(n.Disks, d)
			}
			return ask(c, s, http.MethodPost, "/hosts", n)
		})
	c.Example = `  okd-lab hosts create master-0 --mac 52:54:00:00:00:21
  okd-lab hosts create worker-0 --disk size=120G,model=MZ7LH960 --disk size=2T,rotational=true,hctl=1:0:0:0`
	f := c.Flags()
	f.StringArrayVar(&n.MACs, "mac", nil, "MAC address of a network card; repeat for more (default: one, from the name)")
	f.StringVar(&n.UUID, "uuid", "", "system UUID (default: made from the name)")
	f.StringVar(&n.Vendor, "vendor", "", "vendor of the system")
	f.StringVar(&n.Product, "product", "", "its product name")
	f.StringVar(&n.Serial, "serial", "", "its serial number")
	f.IntVar(&n.CPUs, "cpus", 8, "processors")
	f.Int64Var(&n.MemoryMB, "memory", 16384, "memory in MiB")
	f.StringVar(&n.Controller, "bmc", "",
		"vendor of its management controller: "+strings.Join(vendor.Names(), ", ")+" (default: it has none)")
	f.BoolVar(&n.UEFI, "uefi", true, "firmware is UEFI, not BIOS")
	f.StringArrayVar(&disks, "disk", nil,
		"disk, as in size=120G,model=..,serial=..,wwn=..,vendor=..,rotational=true,hctl=..; repeat for more (default: one)")
	return c
}

func hostBootCommand(o *options) *cobra.Command {
	var order []string
	var once string
	c := o.command("boot NAME", "Set where a host looks for a system, from its next start on", cobra.ExactArgs(1),
		func(c *cobra.Command, s site.Site, args []string) error {
			b := daemon.BootSettings{Once: host.Source(once)}
			for _, from := range order {
				b.Order = append(b.Order, host.Source(from))
			}
			return ask(c, s, http.MethodPut, "/hosts/"+args[0]+"/boot", b)
		})
	c.Flags().StringSliceVar(&order, "order", nil, "sources in their order: disk, media, pxe")
	c.Flags().StringVar(&once, "once", "", "source to try first at the next start only")
	c.MarkFlagsOneRequired("order", "once")
	return c
}

// group has commands below it, and refuses others, such as a host's name in their place.
func group(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
}

func hostPowerCommand(o *options) *cobra.Command {
	c := group("power", "Press the buttons of hosts, and cut their power")
	for verb, short := range map[string]string{
		"on":       "Switch hosts on",
		"off":      "Cut the power of hosts",
		"reset":    "Press the reset buttons of hosts",
		"shutdown": "Ask the systems of hosts to power off",
		"cycle":    "Cut the power of hosts, and switch them on again",
	} {
		press := func(c *cobra.Command, s site.Site, name string) error {
			return ask(c, s, http.MethodPost, "/hosts/"+name+"/power/"+verb, nil)
		}
		c.AddCommand(o.command(verb+" NAME...", short, cobra.MinimumNArgs(1), forEach(press)))
	}
	return c
}

func hostMediaCommand(o *options) *cobra.Command {
	var slot int
	insert := o.command("insert NAME ISO", "Put an ISO image, a file or a URL, into a host's drive", cobra.ExactArgs(2),
		func(c *cobra.Command, s site.Site, args []string) error {
			m := daemon.Medium{Source: args[1], Slot: slot}
			if !strings.HasPrefix(m.Source, "http://") && !strings.HasPrefix(m.Source, "https://") {
				path, err := filepath.Abs(m.Source)
				if err != nil {
					return err
				}
				m.Source = path
			}
			return ask(c, s, http.MethodPut, "/hosts/"+args[0]+"/media", m)
		})
	eject := o.command("eject NAME", "Empty a host's drive", cobra.ExactArgs(1),
		func(c *cobra.Command, s site.Site, args []string) error {
			return ask(c, s, http.MethodDelete, fmt.Sprintf("/hosts/%s/media/%d", args[0], slot), nil)
		})
	for _, c := range []*cobra.Command{insert, eject} {
		c.Flags().IntVar(&slot, "slot", 1, "drive, 1 or 2; a host starts from the first only")
	}
	c := group("media", "Insert and eject media; a host sees that at its next start")
	c.AddCommand(insert, eject)
	return c
}
