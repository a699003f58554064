// okd-lab is a data centre on one Linux machine: an oVirt engine with machines
// that boot, a registry with an OKD-format release, a network. It exists so
// that okd-install can be run, tried and tested with no hardware.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}

// options are those of every command.
type options struct {
	lab, cache string
}

func (o *options) site() (site.Site, error) {
	cache, err := filepath.Abs(o.cache)
	if err != nil {
		return site.Site{}, err
	}
	return site.New(o.lab, cache)
}

func (o *options) center() (center.Center, error) {
	program, err := os.Executable()
	return center.Center{Clock: clock.Real(), Program: program}, err
}

func root() *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:           "okd-lab",
		Short:         "A data centre on one machine, to install OKD clusters in",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 && c.Name() != "help" && c.Name() != "completion" {
				return fmt.Errorf("okd-lab %s needs root: it makes network namespaces and starts machines", c.Name())
			}
			return nil
		},
	}
	flags := c.PersistentFlags()
	flags.StringVar(&o.lab, "lab", fromEnv("OKD_LAB", site.DefaultName), "name of the lab ($OKD_LAB)")
	flags.StringVar(&o.cache, "cache", fromEnv("OKD_LAB_CACHE", site.DefaultCache),
		"directory for what is built ($OKD_LAB_CACHE)")
	c.AddCommand(
		setupCommand(o), upCommand(o), downCommand(o), statusCommand(o), execCommand(o),
		machinesCommand(o), dnsCommand(o), installConfigCommand(o), faultCommand(o), inventoryCommand(o), serveCommand(o))
	return c
}

func fromEnv(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}
