package clusterbootstrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	"github.com/spf13/cobra"
)

// InPlace are the options of `cluster-bootstrap bootstrap-in-place`.
type InPlace struct {
	AssetDir string // what the input names is below it
	Input    string // Butane config
	Output   string // Ignition config to write
}

func inPlaceCommand() *cobra.Command {
	var o InPlace
	c := &cobra.Command{
		Use:   "bootstrap-in-place",
		Short: "Collect this host's control plane into the Ignition config of the node that it becomes",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return o.Run() },
	}
	f := c.Flags()
	f.StringVar(&o.AssetDir, "asset-dir", "", "directory of the rendered assets")
	f.StringVar(&o.Input, "input", "", "Butane config that says what goes where")
	f.StringVar(&o.Output, "output", "", "Ignition config to write")
	for _, name := range []string{"asset-dir", "input", "output"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // defined above
		}
	}
	return c
}

// Run writes the Ignition config, whole or not at all.
func (o InPlace) Run() error {
	in, err := os.ReadFile(o.Input)
	if err != nil {
		return fmt.Errorf("read what to collect: %w", err)
	}
	out, report, err := config.TranslateBytes(in, common.TranslateBytesOptions{
		TranslateOptions: common.TranslateOptions{FilesDir: o.AssetDir},
	})
	if text := report.String(); text != "" && (err != nil || report.IsFatal()) {
		err = errors.Join(err, errors.New(text))
	}
	if err != nil {
		return fmt.Errorf("collect %s: %w", o.Input, err)
	}
	// It holds every key of the cluster.
	tmp := filepath.Join(filepath.Dir(o.Output), "."+filepath.Base(o.Output))
	if err := os.WriteFile(tmp, out, 0o600); err != nil {
		return fmt.Errorf("write Ignition config: %w", err)
	}
	if err := os.Rename(tmp, o.Output); err != nil {
		return fmt.Errorf("write Ignition config: %w", err)
	}
	return nil
}
