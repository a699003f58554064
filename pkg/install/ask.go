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
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/wizard"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// OpenOrAsk is Open for commands that create something: without an install-config, neither here nor in the state,
// they ask for one if there is somebody to ask. The login is the platform's, if it was asked for as well.
func (e *Env) OpenOrAsk(ctx context.Context, o Opening) (inst *assets.Installer, login []byte, err error) {
	inst, err = e.Open(o)
	if err != nil || e.Asker == nil {
		return inst, nil, err
	}
	if login, err = e.ask(ctx, inst); err != nil {
		return nil, nil, errors.Join(err, inst.Close())
	}
	return inst, login, nil
}

func (e *Env) ask(ctx context.Context, inst *assets.Installer) (login []byte, err error) {
	if _, err := os.Lstat(e.Path(ConfigFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	_, err = inst.Config(ctx)
	if missing := (*asset.MissingError)(nil); !errors.As(err, &missing) {
		return nil, nil // the state has one, or says better what is wrong
	}
	event.Info(e.Sink, "There is no "+e.Path(ConfigFile)+
		"; these questions make one. Ctrl-C ends them and leaves nothing behind")
	result, err := wizard.Run(ctx, wizard.Deps{
		Platforms: e.Platforms.Wizard(), Ask: e.Asker, Getenv: e.Getenv, Clock: e.Clock, Sink: e.Sink, Hide: e.Hide,
	})
	switch {
	case errors.Is(err, wizard.ErrInterrupted):
		return nil, fmt.Errorf("%w at a question: nothing was written", exit.ErrInterrupted)
	case err != nil:
		return nil, fmt.Errorf("ask for %s: %w", ConfigFile, err)
	}
	if l := result.Login; l != nil {
		login = l.Text
		if l.Save {
			if err := e.save(l); err != nil {
				return nil, err
			}
		}
	}
	return login, workdir.WriteFile(e.Path(ConfigFile), result.InstallConfig, 0o600)
}

// save writes the file of a login, which other tools of the platform read too.
func (e *Env) save(l *wizard.Login) error {
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o700); err != nil {
		return fmt.Errorf("save the engine login: %w", err)
	}
	if err := workdir.WriteFile(l.Path, l.Text, 0o600); err != nil {
		return err
	}
	event.Info(e.Sink, "Engine login saved to "+l.Path)
	return nil
}
