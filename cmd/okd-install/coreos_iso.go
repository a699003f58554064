package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso"
)

func isoCommand(r *root) *cobra.Command {
	return group("iso", "Change what a CoreOS live ISO does when it starts",
		group("ignition", "The Ignition config that the live system applies",
			ignitionEmbed(r), ignitionShow(r), ignitionRemove(r)),
		group("kargs", "The kernel arguments of the live system", kargsShow(r), kargsModify(r), kargsReset(r)),
		group("network", "The network settings of the live system, as keyfiles of NetworkManager",
			networkEmbed(r), networkExtract(r), networkRemove(r)),
		group("extract", "Take files out of a live ISO", extractPXE(r), extractMinimal()),
		isoInspect(r), isoReset(r))
}

// edits makes a command that changes an ISO.
func (r *root) edits(c *cobra.Command, change func(*iso.Image) error) *cobra.Command {
	var output string
	c.Use += " ISO"
	copyFlag(c, &output)
	return takes(c, "ISO", func(c *cobra.Command, path string) error {
		if err := r.binary(output); err != nil {
			return err
		}
		return iso.Edit(c.Context(), path, output, r.streams.out, change)
	})
}

// views makes a command that reads an ISO.
func (r *root) views(c *cobra.Command, do func(*iso.Image) error) *cobra.Command {
	c.Use += " ISO"
	return takes(c, "ISO", func(_ *cobra.Command, path string) error { return iso.View(path, do) })
}

// printed writes a text that an ISO has.
func (r *root) printed(text string, err error) error {
	if err == nil {
		_, err = fmt.Fprintln(r.streams.out, text)
	}
	return err
}

func ignitionEmbed(r *root) *cobra.Command {
	var file string
	var force, grow bool
	c := &cobra.Command{Use: "embed", Short: "Embed an Ignition config in a live ISO",
		Long: "The live system applies the config when it starts. Other embedded files are kept. The\n" +
			"config is in the ISO in plain text, with all secrets that it has.",
		Example: `  okd-install coreos iso ignition embed -i config.ign live.iso
  okd-install coreos iso ignition embed -i config.ign -o host.iso live.iso`}
	c = r.edits(c, func(i *iso.Image) error {
		config, err := r.config(file)
		if err != nil {
			return err
		}
		if grow {
			i.AllowGrowth()
		}
		return i.SetIgnition(config, force)
	})
	growFlag(c, &grow)
	c.Flags().StringVarP(&file, "ignition-file", "i", "", "Ignition config to embed (default: standard input)")
	c.Flags().BoolVarP(&force, "force", "f", false, "replace an embedded config")
	return c
}

func growFlag(c *cobra.Command, grow *bool) {
	c.Flags().BoolVar(grow, "grow", false, "make the ISO larger if what is embedded does not fit")
}

func ignitionShow(r *root) *cobra.Command {
	c := &cobra.Command{Use: "show", Short: "Print the Ignition config that a live ISO has",
		Example: "  okd-install coreos iso ignition show host.iso | jq .storage"}
	return r.views(c, func(i *iso.Image) error {
		config, err := i.Ignition()
		if err == nil {
			_, err = r.streams.out.Write(config)
		}
		return err
	})
}

func ignitionRemove(r *root) *cobra.Command {
	c := &cobra.Command{Use: "remove", Short: "Remove the Ignition config from a live ISO",
		Long:    "Other embedded files are kept.",
		Example: "  okd-install coreos iso ignition remove host.iso"}
	return r.edits(c, (*iso.Image).RemoveIgnition)
}

func kargsShow(r *root) *cobra.Command {
	var original bool
	c := &cobra.Command{Use: "show", Short: "Print the kernel arguments of a live ISO",
		Example: "  okd-install coreos iso kargs show live.iso"}
	c = r.views(c, func(i *iso.Image) error {
		if original {
			return r.printed(i.DefaultKargs())
		}
		return r.printed(i.Kargs())
	})
	c.Flags().BoolVarP(&original, "default", "d", false, "print those that the ISO was made with")
	return c
}

func kargsModify(r *root) *cobra.Command {
	var change iso.KargsChange
	c := &cobra.Command{Use: "modify", Short: "Change the kernel arguments of a live ISO",
		Long: "Deletes, appends and replaces arguments, in this order. Arguments are compared as a\n" +
			"whole. One that is not there is not an error, but you get a warning.",
		Example: `  okd-install coreos iso kargs modify --append console=ttyS0,115200n8 live.iso
  okd-install coreos iso kargs modify -d quiet -r console=tty0=tty1 -o host.iso live.iso`}
	c = r.edits(c, func(i *iso.Image) error {
		if len(change.Append)+len(change.Delete)+len(change.Replace) == 0 {
			return misused(c, errors.New("nothing to change: use --append, --delete or --replace"))
		}
		current, err := i.Kargs()
		if err != nil {
			return err
		}
		text, unmatched, err := change.Apply(current)
		if err != nil {
			return err
		}
		for _, arg := range unmatched {
			event.Warn(r.environment().Sink, fmt.Sprintf("The ISO has no kernel argument %q", arg))
		}
		return i.SetKargs(text)
	})
	f := c.Flags()
	f.StringArrayVarP(&change.Append, "append", "a", nil, "argument to append; may be repeated")
	f.StringArrayVarP(&change.Delete, "delete", "d", nil, "argument to delete; may be repeated")
	f.StringArrayVarP(&change.Replace, "replace", "r", nil, "argument to replace, as KEY=OLD=NEW; may be repeated")
	return c
}

func kargsReset(r *root) *cobra.Command {
	c := &cobra.Command{Use: "reset", Short: "Restore the default kernel arguments of a live ISO",
		Example: "  okd-install coreos iso kargs reset host.iso"}
	return r.edits(c, (*iso.Image).ResetKargs)
}

func networkEmbed(r *root) *cobra.Command {
	var files []string
	var force, grow bool
	c := &cobra.Command{Use: "embed", Short: "Embed network settings in a live ISO",
		Long: "The live system connects as the keyfiles say, instead of asking DHCP on every interface.\n" +
			"Their names end with .nmconnection. They are in the ISO in plain text, with all secrets\n" +
			"that they have.",
		Example: "  okd-install coreos iso network embed -k eth0.nmconnection -k bond0.nmconnection live.iso"}
	c = r.edits(c, func(i *iso.Image) error {
		var list []iso.Keyfile
		for _, name := range files {
			data, err := r.input(name)
			if err != nil {
				return fmt.Errorf("read keyfile: %w", err)
			}
			list = append(list, iso.Keyfile{Name: filepath.Base(name), Data: data})
		}
		if grow {
			i.AllowGrowth()
		}
		return i.SetKeyfiles(list, force)
	})
	growFlag(c, &grow)
	c.Flags().StringArrayVarP(&files, "keyfile", "k", nil, "keyfile to embed; may be repeated")
	c.Flags().BoolVarP(&force, "force", "f", false, "replace embedded network settings, all of them")
	return c
}

func networkExtract(r *root) *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "extract", Short: "Print or extract the network settings that a live ISO has",
		Example: `  okd-install coreos iso network extract host.iso
  okd-install coreos iso network extract -C keyfiles host.iso`}
	c = r.views(c, func(i *iso.Image) error {
		list, err := i.Keyfiles()
		if err != nil {
			return err
		}
		if dir != "" {
			return writeKeyfiles(dir, list)
		}
		for _, k := range list {
			if _, err := fmt.Fprintf(r.streams.out, "# %s\n%s\n", k.Name, k.Data); err != nil {
				return err
			}
		}
		return nil
	})
	c.Flags().StringVarP(&dir, "directory", "C", "", "existing directory to write them to, instead of printing")
	return c
}

// writeKeyfiles writes new files. Their names come from the ISO, so nothing outside of dir can be reached.
func writeKeyfiles(dir string, list []iso.Keyfile) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, k := range list {
		f, err := root.OpenFile(k.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return exit.With(exit.Other, "remove it, or name another directory", err)
		} else if err != nil {
			return err
		}
		_, err = f.Write(k.Data)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func networkRemove(r *root) *cobra.Command {
	c := &cobra.Command{Use: "remove", Short: "Remove the network settings from a live ISO",
		Long:    "Other embedded files are kept.",
		Example: "  okd-install coreos iso network remove host.iso"}
	return r.edits(c, (*iso.Image).RemoveKeyfiles)
}

func isoInspect(r *root) *cobra.Command {
	var output string
	c := &cobra.Command{Use: "inspect", Short: "Show what was changed in a live ISO, and what can be",
		Example: `  okd-install coreos iso inspect host.iso
  okd-install coreos iso inspect -o json host.iso | jq -r .kernelArguments`}
	c = r.views(c, func(i *iso.Image) error {
		s, err := i.Inspect()
		if err != nil {
			return err
		}
		if output == "json" {
			return install.WriteJSON(r.streams.out, s)
		}
		return s.Print(r.streams.out)
	})
	outputFlag(c, "answer", &output, "text", "json")
	return c
}

func isoReset(r *root) *cobra.Command {
	c := &cobra.Command{Use: "reset", Short: "Remove everything that was embedded in a live ISO",
		Long: "Removes the Ignition config, network settings and other embedded files, and restores the\n" +
			"default kernel arguments. Works as well if what is embedded is damaged.",
		Example: "  okd-install coreos iso reset -o clean.iso host.iso"}
	return r.edits(c, (*iso.Image).Reset)
}
