package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

func machinesCommand(o *options) *cobra.Command {
	var output string
	show := func(c *cobra.Command, s site.Site, _ []string) error {
		st, err := daemon.Dial(s).Status(c.Context())
		switch {
		case err != nil:
			return err
		case output == "json":
			return printJSON(c, st.Machines)
		}
		return printMachines(c, st.Machines)
	}
	c := o.command("machines", "Look at machines and press their buttons", cobra.NoArgs, show)
	list := o.command("list", "List the machines that have been started", cobra.NoArgs, show)
	list.Flags().StringVarP(&output, "output", "o", "", "json")
	remove := func(c *cobra.Command, s site.Site, name string) error {
		return ask(c, s, http.MethodDelete, "/machines/"+name, nil)
	}
	c.AddCommand(list, consoleCommand(o), machineExecCommand(o), machineCreateCommand(o),
		o.command("remove NAME...", "Remove machines that create made, with their disks",
			cobra.MinimumNArgs(1), forEach(remove)))
	for verb, short := range map[string]string{
		"start":    "Power a machine on, through the engine if it is the engine's",
		"stop":     "Cut a machine's power, through the engine if it is the engine's",
		"shutdown": "Ask a machine's system to power off, through the engine if it is the engine's",
		"kill":     "Kill a machine behind the engine's back, as if its process had crashed",
		"reset":    "Press a machine's reset button",
		"unplug":   "Cut a machine's network cable",
		"plug":     "Mend a machine's network cable",
	} {
		press := func(c *cobra.Command, s site.Site, name string) error {
			return daemon.Dial(s).Press(c.Context(), name, verb)
		}
		c.AddCommand(o.command(verb+" NAME...", short, cobra.MinimumNArgs(1), forEach(press)))
	}
	return c
}

// forEach does the same to several machines, whatever becomes of the others.
func forEach(do func(c *cobra.Command, s site.Site, name string) error) action {
	return func(c *cobra.Command, s site.Site, names []string) error {
		var errs []error
		for _, name := range names {
			errs = append(errs, do(c, s, name))
		}
		return errors.Join(errs...)
	}
}

func printMachines(c *cobra.Command, list []machine.Status) error {
	if len(list) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MACHINE\tSTATE\tADDRESSES\tID")
	for _, m := range list {
		var addrs []string
		for _, a := range m.Addresses {
			addrs = append(addrs, a.String())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Name, m.State, strings.Join(addrs, " "), m.ID)
	}
	return w.Flush()
}

func findMachine(c *cobra.Command, s site.Site, name string) (machine.Status, error) {
	st, err := daemon.Dial(s).Status(c.Context())
	if err != nil {
		return machine.Status{}, err
	}
	for _, m := range st.Machines {
		if m.Name == name || m.ID == name {
			return m, nil
		}
	}
	return machine.Status{}, fmt.Errorf("there is no machine %s; okd-lab machines list shows all", name)
}

func machineExecCommand(o *options) *cobra.Command {
	return o.command("exec NAME -- COMMAND [ARG...]", "Run a command in a machine, as its root",
		cobra.MinimumNArgs(2), func(c *cobra.Command, s site.Site, args []string) error {
			m, err := findMachine(c, s, args[0])
			if err != nil {
				return err
			}
			return center.ExecIn(m, args[1:])
		})
}

func consoleCommand(o *options) *cobra.Command {
	var follow bool
	c := o.command("console NAME", "Print a machine's console",
		cobra.ExactArgs(1), func(c *cobra.Command, s site.Site, args []string) error {
			m, err := findMachine(c, s, args[0])
			if err != nil {
				return err
			}
			f, err := os.Open(m.Console)
			if err != nil {
				return fmt.Errorf("open console: %w", err)
			}
			defer f.Close()
			for {
				if _, err := io.Copy(c.OutOrStdout(), f); err != nil {
					return fmt.Errorf("read console: %w", err)
				}
				if !follow {
					return nil
				}
				select {
				case <-c.Context().Done():
					return nil
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	return c
}

func machineCreateCommand(o *options) *cobra.Command {
	var n daemon.NewMachine
	var ignition string
	c := o.command("create NAME",
		"Make a machine without the engine and switch it on, as on any virtualization or hardware",
		cobra.ExactArgs(1), func(c *cobra.Command, s site.Site, args []string) (err error) {
			n.Name = args[0]
			if ignition != "" {
				if n.Ignition, err = readFile(c, ignition); err != nil {
					return err
				}
			}
			return ask(c, s, http.MethodPost, "/machines", n)
		})
	c.Example = `  okd-lab machines create master-0 --ignition upi/master.ign --mac 52:54:00:00:00:21
  okd-lab machines create sno --live --ignition sno/bootstrap-in-place-for-live-iso.ign`
	f := c.Flags()
	f.StringVar(&ignition, "ignition", "", "Ignition config of the first boot; with --live that of the medium")
	f.IntVar(&n.CPUs, "cpus", 4, "processors")
	f.Int64Var(&n.MemoryMB, "memory", 16384, "memory in MiB")
	f.Int64Var(&n.DiskGB, "disk", 120, "disk in GiB")
	f.StringVar(&n.MAC, "mac", "", "MAC address of the network card (default: made from the name)")
	f.BoolVar(&n.Bare, "bare", false, "with an OS that lacks kubelet, oc and the container runtime, after setup --bare")
	f.BoolVar(&n.Live, "live", false, "start from a medium with the live system; the disk is empty")
	return c
}
