package clusterbootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

// inPlace collects this host's control plane into the node's Ignition config.
func inPlace(_ context.Context, args []string) error {
	f := contract.Flags("cluster-bootstrap bootstrap-in-place")
	assets := f.String("asset-dir", "", "directory of the rendered assets")
	input := f.String("input", "", "Butane config that says what goes where")
	output := f.String("output", "", "Ignition config to write")
	if err := contract.Parse(f, args, "asset-dir", "input", "output"); err != nil {
		return err
	}
	in, err := os.ReadFile(*input)
	if err != nil {
		return fmt.Errorf("read what to collect: %w", err)
	}
	out, report, err := config.TranslateBytes(in, common.TranslateBytesOptions{
		TranslateOptions: common.TranslateOptions{FilesDir: *assets},
	})
	if text := report.String(); text != "" && (err != nil || report.IsFatal()) {
		err = errors.Join(err, errors.New(text))
	}
	if err != nil {
		return fmt.Errorf("collect %s: %w", *input, err)
	}
	// It holds every key of the cluster.
	if err := atomicfile.Write(*output, out, 0o600); err != nil {
		return fmt.Errorf("write Ignition config: %w", err)
	}
	return nil
}
