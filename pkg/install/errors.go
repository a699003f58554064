package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Explain gives errors of the assets an exit code, the reference's words and the next step. Others stay as they are.
func (e *Env) Explain(err error) error {
	var findings *report.Error
	var missing *asset.MissingError
	var locked *workdir.LockedError
	switch {
	case errors.As(err, &findings):
		count := "1 finding"
		if n := len(findings.Report.Lines(false)); n != 1 {
			count = fmt.Sprintf("%d findings", n)
		}
		what, failed := "fields named above (`"+e.Self()+" explain installconfig` says what each of them means)",
			"failed to create install config"
		switch file := findings.Report.File; {
		case filepath.Base(file) == virtualization.File:
			what = strings.Replace(what, "installconfig", virtualization.Resource, 1)
			failed = virtualization.File + " cannot be used"
		case file == manifests.Dir:
			what, failed = "files named above", file+"/ cannot be used"
		}
		return exit.With(exit.InstallConfig, "correct the "+what+" and run the same command again",
			fmt.Errorf("%s: %s:\n%w", failed, count, err))
	case errors.As(err, &missing):
		// Not what a file says is wrong, but that nobody was there to be asked.
		return exit.New(e.writeConfig(), "failed to fetch Install Config: %w", err)
	case errors.As(err, &locked):
		return exit.With(exit.Other, e.Typed("status"), err)
	case errors.Is(err, assets.ErrNoReleaseImage):
		return exit.With(exit.Other, "export "+EnvReleaseImage+"=<pull spec of an OKD release>", err)
	}
	return err
}

// writeConfig is the next step of somebody who has no install-config.
func (e *Env) writeConfig() string {
	next := "write " + e.Path(ConfigFile) +
		" (install-config.example.yaml shows how), or name another directory with --dir"
	kept := e.Path("manifests/cluster-config.yaml")
	if _, err := os.Stat(kept); err == nil {
		next += "; " + kept + " has a copy without the pull secret"
	}
	return next
}

// Interrupted is the end of a run by a signal, with what the user should know.
type Interrupted struct {
	Lines []string
	Err   error // what the interruption broke
}

func (i *Interrupted) Error() string { return i.Err.Error() }
func (i *Interrupted) Unwrap() error { return i.Err }

// AfterInterruption is what there is to say when a signal has ended a run with err.
func AfterInterruption(err error) []string {
	if known := (*Interrupted)(nil); errors.As(err, &known) {
		return known.Lines
	}
	return []string{"Interrupted. Run the same command again to go on."}
}
