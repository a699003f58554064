package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/machine"
)

func machinesCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "machines",
		Short: "Look at machines and press their buttons",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return listMachines(c, o, "") },
	}
	var output string
	list := &cobra.Command{
		Use:   "list",
		Short: "List the machines that have been started",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return listMachines(c, o, output) },
	}
	list.Flags().StringVarP(&output, "output", "o", "", "json")
	c.AddCommand(list, consoleCommand(o), machineExecCommand(o))
	for action, short := range map[string]string{
		"start":    "Power a machine on, through the engine",
		"stop":     "Cut a machine's power, through the engine",
		"shutdown": "Ask a machine's system to power off, through the engine",
		"kill":     "Kill a machine behind the engine's back, as if its process had crashed",
		"reset":    "Press a machine's reset button",
		"unplug":   "Cut a machine's network cable",
		"plug":     "Mend a machine's network cable",
	} {
		c.AddCommand(&cobra.Command{
			Use:   action + " NAME...",
			Short: short,
			Args:  cobra.MinimumNArgs(1),
			RunE: func(c *cobra.Command, names []string) error {
				s, err := o.site()
				if err != nil {
					return err
				}
				var errs []error
				for _, name := range names {
					errs = append(errs, daemon.Dial(s).Press(c.Context(), name, action))
				}
				return errors.Join(errs...)
			},
		})
	}
	return c
}

func listMachines(c *cobra.Command, o *options, output string) error {
	s, err := o.site()
	if err != nil {
		return err
	}
	st, err := daemon.Dial(s).Status(c.Context())
	if err != nil {
		return err
	}
	if output == "json" {
		enc := json.NewEncoder(c.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(st.Machines)
	}
	return printMachines(c, st.Machines)
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

func findMachine(c *cobra.Command, o *options, name string) (machine.Status, error) {
	s, err := o.site()
	if err != nil {
		return machine.Status{}, err
	}
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
	return &cobra.Command{
		Use:   "exec NAME -- COMMAND [ARG...]",
		Short: "Run a command in a machine, as its root",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := findMachine(c, o, args[0])
			if err != nil {
				return err
			}
			return center.ExecIn(m, args[1:])
		},
	}
}

func consoleCommand(o *options) *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "console NAME",
		Short: "Print a machine's console",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := findMachine(c, o, args[0])
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
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	return c
}
