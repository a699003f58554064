package install

import (
	"fmt"
	"io"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/version"
)

// Where the key of an encrypted state comes from, if no flag names a file.
const (
	envStatePassphrase     = "OKD_INSTALL_STATE_PASSPHRASE"
	envStatePassphraseFile = "OKD_INSTALL_STATE_PASSPHRASE_FILE"
)

// stateKey is the key that the user gave for the state, nil if he gave none.
func (a *App) stateKey() (*seal.Key, error) {
	file, from := a.StateKeyFile, "--state-passphrase-file"
	if file == "" {
		file, from = a.Getenv(envStatePassphraseFile), envStatePassphraseFile
	}
	if file != "" {
		return readKey(file, from)
	}
	text := a.Getenv(envStatePassphrase)
	if text == "" {
		return nil, nil
	}
	key, err := seal.Passphrase(text)
	if err != nil {
		return nil, badKey(fmt.Errorf("use %s: %w", envStatePassphrase, err))
	}
	return key, nil
}

func readKey(file, from string) (*seal.Key, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, badKey(fmt.Errorf("read the key of the state, as %s says: %w", from, err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, seal.MaxKeyFile+1))
	if err == nil && len(data) > seal.MaxKeyFile {
		err = fmt.Errorf("more than %d bytes", seal.MaxKeyFile)
	}
	var key *seal.Key
	if err == nil {
		key, err = seal.ParseKey(data)
	}
	if err != nil {
		return nil, badKey(fmt.Errorf("read the key of the state in %s: %w", file, err))
	}
	return key, nil
}

func badKey(err error) error {
	return exit.With(exit.Other, "name a file that holds a passphrase in one line, or an age identity as age-keygen writes it", err)
}

// locking says who takes the directory.
func (a *App) locking() asset.Options {
	return asset.Options{Clock: a.Clock, Command: a.Command, Version: version.Version}
}

// Rekey encrypts the state with the key in another file.
func (a *App) Rekey(file string) error {
	key, err := readKey(file, "--new-passphrase-file")
	if err != nil {
		return err
	}
	return a.reseal(key, "State encrypted with the key in "+file)
}

// Decrypt makes the state plain text again.
func (a *App) Decrypt() error { return a.reseal(nil, "State is not encrypted any more") }

func (a *App) reseal(to *seal.Key, done string) error {
	from, err := a.stateKey()
	if err != nil {
		return err
	}
	if err := asset.Reseal(a.Dir, from, to, a.locking()); err != nil {
		return a.classify(err)
	}
	event.Info(a.Sink, done)
	return nil
}
