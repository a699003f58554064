package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// configFile is what the user writes, or the wizard.
const configFile = "install-config.yaml"

// openOrAsk is open for commands that create something: without an
// install-config, neither here nor in the state, they ask for one if there is
// somebody to ask.
func (a *App) openOrAsk(ctx context.Context) (*assets.Installer, error) {
	inst, err := a.open()
	if err != nil || a.Asker == nil {
		return inst, err
	}
	if err := a.ask(ctx, inst); err != nil {
		return nil, errors.Join(err, inst.Close())
	}
	return inst, nil
}

func (a *App) ask(ctx context.Context, inst *assets.Installer) error {
	if _, err := os.Lstat(a.path(configFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := inst.Config(ctx)
	if missing := (*asset.MissingError)(nil); !errors.As(err, &missing) {
		return nil // the state has one, or says better what is wrong
	}
	event.Info(a.Sink, "There is no "+a.path(configFile)+"; these questions make one. Ctrl-C ends them and leaves nothing behind")
	result, err := wizard.Run(ctx, wizard.Deps{Platforms: platforms.Wizard(), Ask: a.Asker, Getenv: a.Getenv, Clock: a.Clock, Sink: a.Sink, Hide: a.Hide})
	switch {
	case errors.Is(err, wizard.ErrInterrupted):
		return fmt.Errorf("%w at a question: nothing was written", ErrInterrupted)
	case err != nil:
		return fmt.Errorf("ask for %s: %w", configFile, err)
	}
	if l := result.Login; l != nil {
		a.entered = l.Text
		if l.Save {
			if err := saveLogin(l); err != nil {
				return err
			}
			event.Info(a.Sink, "Engine login saved to "+l.Path)
		}
	}
	return asset.WriteFile(a.path(configFile), result.InstallConfig, 0o600)
}

// saveLogin writes the file that other oVirt tools read too.
func saveLogin(l *wizard.Login) error {
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o700); err != nil {
		return fmt.Errorf("save the engine login: %w", err)
	}
	return asset.WriteFile(l.Path, l.Text, 0o600)
}
