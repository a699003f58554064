package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/install/releases"
)

func coreosCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "print-stream-json", Short: "Print the CoreOS stream metadata of the release",
		Long: "Prints as JSON where the boot images of the release are, for machines that you boot\n" +
			"yourself. It is read from the release image (the login comes from install-config.yaml\n" +
			"in the directory, or from the files of podman and docker), and cached, so that the\n" +
			"next time it needs no network.",
		Example: "  okd-install coreos print-stream-json |" +
			" jq -r '.architectures.x86_64.artifacts.metal.formats.iso.disk.location'",
	}
	r.run(c, r.look, releases.PrintStream)
	return group("coreos", "Work with CoreOS boot images", c, isoCommand(r), pxeCommand(r))
}

// takes makes a command that has one argument, which its errors call what.
func takes(c *cobra.Command, what string, do func(c *cobra.Command, arg string) error) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return misused(c, fmt.Errorf("%s needs the name of the %s", c.CommandPath(), what))
		case len(args) > 1:
			return misused(c, fmt.Errorf("%s takes one %s, but got %q as well", c.CommandPath(), what, args[1]))
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error { return do(c, args[0]) }
	return c
}

// copyFlag names the result of a command that edits a file.
func copyFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "", "new file to write instead of editing the ISO in place; - for "+
		"standard output")
}

// maxInput is the most that is read of a file that goes into an ISO.
const maxInput = 32 << 20

// input reads a file, or standard input if it has no name. Nobody types binary data or a whole config.
func (r *root) input(name string) ([]byte, error) {
	f := r.streams.in
	if name != "" && name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
		defer f.Close()
	} else if f == nil || term.IsTerminal(int(f.Fd())) {
		return nil, errors.New("name a file, or redirect standard input: it is a terminal")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("%s has more than %d bytes", f.Name(), maxInput)
	}
	return data, nil
}

// config reads an Ignition config.
func (r *root) config(name string) ([]byte, error) {
	data, err := r.input(name)
	if err == nil {
		err = ignition.Check(data)
	}
	if err != nil {
		return nil, fmt.Errorf("read Ignition config: %w", err)
	}
	return data, nil
}

// binary refuses to write binary data to a terminal.
func (r *root) binary(output string) error {
	if f, isFile := r.streams.out.(*os.File); output == "-" && isFile && term.IsTerminal(int(f.Fd())) {
		return exit.New("name a file with --output", "standard output is a terminal, and the output is binary")
	}
	return nil
}
