package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/iso"
)

func extractPXE(r *root) *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "pxe ISO", Short: "Extract the files for booting over the network",
		Long: "Writes kernel, initial RAM disk and root file system to new files that are named after\n" +
			"the ISO, and prints their names. What is embedded in the ISO is not in them.",
		Example: "  okd-install coreos iso extract pxe --output-dir /srv/tftp live.iso"}
	c = takes(c, "ISO", func(c *cobra.Command, path string) error {
		files, left, err := iso.ExtractPXE(c.Context(), path, iso.PXE{Dir: dir})
		if err != nil {
			return err
		}
		if len(left) > 0 {
			event.Warn(r.environment().Sink, "The files do not have what is embedded in the ISO: "+
				strings.Join(left, ", "))
		}
		return r.printed(strings.Join(files, "\n"), nil)
	})
	c.Flags().StringVarP(&dir, "output-dir", "o", ".", "existing directory to write them to")
	return c
}

func extractMinimal() *cobra.Command {
	var m iso.Minimal
	c := &cobra.Command{Use: "minimal-iso ISO OUTPUT",
		Short: "Make a small ISO that downloads the root file system when it starts",
		Long: "The ISO must be as it was published: nothing embedded, default kernel arguments. Embed\n" +
			"in the minimal ISO instead.",
		Example: "  okd-install coreos iso extract minimal-iso --output-rootfs rootfs.img \\\n" +
			"    --rootfs-url http://192.0.2.1/rootfs.img live.iso minimal.iso",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return misused(c, fmt.Errorf("%s needs the names of the ISO and of the minimal ISO", c.CommandPath()))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return iso.ExtractMinimal(c.Context(), args[0], args[1], m)
		}}
	f := c.Flags()
	f.StringVar(&m.RootfsURL, "rootfs-url", "", "URL of the root file system (default: you add the kernel argument "+
		"coreos.live.rootfs_url)")
	f.StringVar(&m.Rootfs, "output-rootfs", "", "new file to write the root file system to")
	return c
}
