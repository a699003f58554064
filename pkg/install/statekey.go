package install

import (
	"fmt"
	"io"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Where the key of an encrypted state comes from, if no flag names a file.
const (
	envStatePassphrase     = "OKD_INSTALL_STATE_PASSPHRASE"
	envStatePassphraseFile = "OKD_INSTALL_STATE_PASSPHRASE_FILE"
)

// StateKey is the key that the user gave for the state, nil if there is none.
func (e *Env) StateKey() (*seal.Key, error) {
	file, from := e.StateKeyFile, "--state-passphrase-file"
	if file == "" {
		file, from = e.Getenv(envStatePassphraseFile), envStatePassphraseFile
	}
	if file != "" {
		return readKey(file, from)
	}
	text := e.Getenv(envStatePassphrase)
	if text == "" {
		return nil, nil
	}
	key, err := seal.Passphrase(text)
	if err != nil {
		return nil, badKey("use %s: %w", envStatePassphrase, err)
	}
	return key, nil
}

func readKey(file, from string) (*seal.Key, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, badKey("read the key of the state, as %s says: %w", from, err)
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
		return nil, badKey("read the key of the state in %s: %w", file, err)
	}
	return key, nil
}

func badKey(format string, args ...any) error {
	return exit.New("name a file that holds a passphrase in one line, or an age identity as age-keygen writes it",
		format, args...)
}

// Rekey is the command state rekey: it encrypts the state with the key in a file.
func Rekey(e *Env, file string) error {
	key, err := readKey(file, "--new-passphrase-file")
	if err != nil {
		return err
	}
	return e.reseal(key, "State encrypted with the key in "+file)
}

// Decrypt is the command state decrypt: it makes the state plain text again.
func Decrypt(e *Env) error { return e.reseal(nil, "State is not encrypted any more") }

func (e *Env) reseal(to *seal.Key, done string) error {
	from, err := e.StateKey()
	if err != nil {
		return err
	}
	if err := asset.Reseal(e.Dir, from, to, workdir.Self(e.Command, e.Clock.Now())); err != nil {
		return e.Explain(err)
	}
	event.Info(e.Sink, done)
	return nil
}
