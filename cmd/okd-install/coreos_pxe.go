package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/iso"
)

func pxeCommand(r *root) *cobra.Command {
	return group("pxe", "Make files for CoreOS machines that boot over the network",
		group("ignition", "The Ignition config of the live system", pxeWrap(r), pxeUnwrap(r)))
}

func pxeWrap(r *root) *cobra.Command {
	var file, output string
	c := &cobra.Command{Use: "wrap", Short: "Make an initial RAM disk of an Ignition config",
		Long: "The live system applies the config if the boot loader loads this file after the initial\n" +
			"RAM disk of CoreOS, and the kernel arguments have ignition.firstboot and\n" +
			"ignition.platform.id=metal.",
		Example: "  okd-install coreos pxe ignition wrap -i config.ign -o config.img",
		RunE: func(*cobra.Command, []string) error {
			if err := r.binary(output); err != nil {
				return err
			}
			config, err := r.config(file)
			if err != nil {
				return err
			}
			data, err := iso.WrapIgnition(config)
			if err != nil {
				return err
			}
			if output == "-" {
				_, err = r.streams.out.Write(data)
				return err
			}
			return atomicfile.Create(output, 0o600, func(f *os.File) error {
				_, err := f.Write(data)
				return err
			})
		}}
	c.Flags().StringVarP(&file, "ignition-file", "i", "", "Ignition config to wrap (default: standard input)")
	c.Flags().StringVarP(&output, "output", "o", "-", "new file to write; - for standard output")
	return c
}

func pxeUnwrap(r *root) *cobra.Command {
	c := &cobra.Command{Use: "unwrap FILE", Short: "Print the Ignition config in such a file",
		Example: "  okd-install coreos pxe ignition unwrap config.img"}
	return takes(c, "file", func(_ *cobra.Command, path string) error {
		data, err := r.input(path)
		if err != nil {
			return err
		}
		config, err := iso.UnwrapIgnition(data)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		_, err = r.streams.out.Write(config)
		return err
	})
}
