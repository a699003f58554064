// okd-lab is a data centre on one Linux machine: an oVirt engine with machines
// that boot, a registry with an OKD-format release, a network. It exists so
// that okd-install can be run, tried and tested with no hardware.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
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

// action is what a command does to a lab.
type action func(c *cobra.Command, s site.Site, args []string) error

// command makes a command.
func (o *options) command(use, short string, args cobra.PositionalArgs, do action) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			cache, err := filepath.Abs(o.cache)
			if err != nil {
				return err
			}
			s, err := site.New(o.lab, cache)
			if err != nil {
				return err
			}
			return do(c, s, args)
		},
	}
}

// request makes a command that sends one request to the lab's daemon and prints
// the answer. Its arguments are the end of the path.
func (o *options) request(use, short string, args cobra.PositionalArgs, method, path string) *cobra.Command {
	return o.command(use, short, args, func(c *cobra.Command, s site.Site, args []string) error {
		return ask(c, s, method, strings.Join(append([]string{path}, args...), "/"), nil)
	})
}

// ask sends a request to the lab's daemon and prints the answer, unless it is
// empty.
func ask(c *cobra.Command, s site.Site, method, path string, in any) error {
	var out json.RawMessage
	if err := daemon.Dial(s).Do(c.Context(), method, path, in, &out); err != nil {
		return err
	}
	if text := strings.TrimSpace(string(out)); text == "" || text == "{}" {
		return nil
	}
	return printJSON(c, out)
}

func printJSON(c *cobra.Command, v any) error {
	enc := json.NewEncoder(c.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// readFile reads a file that the user named; - is standard input.
func readFile(c *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(c.InOrStdin())
	}
	return os.ReadFile(name)
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
		setupCommand(o), upCommand(o), downCommand(o), statusCommand(o),
		machinesCommand(o), hostsCommand(o), dnsCommand(o), installConfigCommand(o), agentConfigCommand(o),
		virtualizationConfigCommand(o),
		faultCommand(o), serveCommand(o),
		o.request("inventory", "Print everything that the engine has, as JSON", cobra.NoArgs,
			http.MethodGet, "/engine/inventory"),
		o.command("exec -- COMMAND [ARG...]",
			"Run a command inside the lab, with its network, names, kubectl, etcdctl and engine login",
			cobra.MinimumNArgs(1), func(_ *cobra.Command, s site.Site, args []string) error {
				return center.Exec(s, args)
			}))
	return c
}

func fromEnv(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}
