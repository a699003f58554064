package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// envRelease names releases of the lab, the first of them the usual one.
const envRelease = "OKD_LAB_RELEASE"

func setupCommand(o *options) *cobra.Command {
	var source, mirror string
	var bare, virtualization bool
	var releases []string
	c := o.command("setup", "Prepare this machine: packages, programs, OS image, lab release",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			if source == "" {
				var err error
				if source, err = findSource(); err != nil {
					return err
				}
			}
			_, err := setup.Run(c.Context(), setup.Config{
				Source: source, Cache: s.Cache, Mirror: mirror, Out: c.OutOrStdout(), Clock: clock.Real(),
				Releases: releases, Bare: bare, Virtualization: virtualization,
			})
			return err
		})
	c.Flags().StringVar(&source, "source", "",
		"source tree of okd-install (default: the one around the working directory or this program)")
	c.Flags().BoolVar(&bare, "bare", false,
		"also make a bare OS image, for machines create --bare, and a release that brings what it lacks")
	c.Flags().BoolVar(&virtualization, "virtualization", false,
		"also make KubeVirt and a guest to run, for virtual machines in clusters")
	c.Flags().StringSliceVar(&releases, "release", strings.Split(fromEnv(envRelease, contract.Newest), ","),
		"releases to build, such as 5.0,4.20; the first is what the lab installs ($"+envRelease+")")
	c.Flags().StringVar(&mirror, "debian-mirror", fromEnv("OKD_LAB_DEBIAN_MIRROR", ""),
		"where Debian packages come from ($OKD_LAB_DEBIAN_MIRROR)")
	return c
}

// findSource looks for the source tree upwards from here and from the program.
func findSource() (string, error) {
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for ; dir != "/"; dir = filepath.Dir(dir) {
			b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && bytes.HasPrefix(b, []byte("module github.com/okd-install/okd-install\n")) {
				return dir, nil
			}
		}
	}
	return "", errors.New("the source tree of okd-install is not around here; name it with --source")
}

func upCommand(o *options) *cobra.Command {
	return o.command("up", "Start the lab",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			made, err := setup.Load(s.Cache)
			if err != nil {
				return err
			}
			already, err := center.Center{Clock: clock.Real()}.Up(c.Context(), s, made)
			if err != nil {
				return err
			}
			word := "is up"
			if already {
				word = "is up already"
			}
			fmt.Fprintf(c.OutOrStdout(), "lab %s %s\n", s.Name, word)
			return nil
		})
}

func downCommand(o *options) *cobra.Command {
	return o.command("down", "Remove the lab with everything in it; the cache stays",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			if err := (center.Center{Clock: clock.Real()}).Down(c.Context(), s); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "lab %s is removed\n", s.Name)
			return nil
		})
}

// fullStatus is what status -o json prints.
type fullStatus struct {
	site.Facts
	Engine struct {
		site.EngineFacts
		Objects daemon.Objects `json:"objects"`
	} `json:"engine"`
	Machines any    `json:"machines"`
	Dir      string `json:"dir"`
	Log      string `json:"log"`
}

func statusCommand(o *options) *cobra.Command {
	var output string
	c := o.command("status", "Show the lab: engine, registry, machines; fails when it is not up",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			f, err := s.Facts()
			if err != nil {
				return err
			}
			st, err := daemon.Dial(s).Status(c.Context())
			if err != nil {
				return err
			}
			switch output {
			case "json":
				full := fullStatus{Facts: f, Machines: st.Machines, Dir: s.Dir, Log: s.File(site.LogFile)}
				full.Engine.EngineFacts, full.Engine.Objects = f.Engine, st.Objects
				return printJSON(c, full)
			case "":
				return printStatus(c, s, f, st)
			}
			return fmt.Errorf("output format %q: the only one is json", output)
		})
	c.Flags().StringVarP(&output, "output", "o", "", "json for everything, passwords included")
	return c
}

func printStatus(c *cobra.Command, s site.Site, f site.Facts, st daemon.Status) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "lab\t%s, state in %s\n", s.Name, s.Dir)
	fmt.Fprintf(w, "engine\t%s, user %s, login in %s\n", f.Engine.URL, f.Engine.User, f.Engine.OvirtConfig)
	fmt.Fprintf(w, "registry\t%s, pull secret in %s\n", f.Registry.Host, f.Registry.PullSecret)
	for _, r := range f.Releases {
		fmt.Fprintf(w, "release\t%s %s\n", r.Version, r.PullSpec)
	}
	for _, cl := range f.Clusters {
		fmt.Fprintf(w, "cluster\t%s, API %s, ingress %s\n", cl.Domain(), cl.API, cl.Ingress)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printMachines(c, st.Machines)
}

func serveCommand(o *options) *cobra.Command {
	var ignition string
	c := o.command("serve", "Be the daemon of a lab (started by up)",
		cobra.NoArgs, func(c *cobra.Command, s site.Site, _ []string) error {
			d, err := daemon.New(daemon.Config{
				Site: s, Ignition: ignition, Clock: clock.Real(),
				Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			})
			if err != nil {
				return err
			}
			return d.Serve(c.Context())
		})
	c.Hidden = true
	c.Flags().StringVar(&ignition, "ignition", "", "the Ignition binary")
	return c
}
