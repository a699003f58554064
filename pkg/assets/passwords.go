package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/secret"
)

// withhold keeps the passwords of controllers out of a state that is not encrypted. Ask is for those that are not in
// install-config.yaml any more.
func withhold(store *asset.Store, dir string, list []Platform, ask PasswordOf) {
	w := asset.Withholding{
		Blank: func(text []byte) ([]byte, bool) { return blank(list, text) },
		Fill:  func(text []byte) ([]byte, error) { return fill(dir, list, text, ask) },
	}
	asset.Withhold(store, ConfigFile, w)
	asset.Withhold(store, Redefined, w)
}

func blank(list []Platform, text []byte) (out []byte, any bool) {
	out = text
	for _, p := range list {
		if p.Passwords == nil || out == nil {
			continue
		}
		if without, had := p.Passwords.Blank(out); had {
			out, any = without, true
		}
	}
	return out, any
}

// fill puts passwords into a stored install-config: those of install-config.yaml, if it is still there, and else what
// ask returns.
func fill(dir string, list []Platform, text []byte, ask PasswordOf) ([]byte, error) {
	written, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, p := range list {
		if p.Passwords == nil {
			continue
		}
		known, err := p.Passwords.Read(written)
		if err != nil {
			known = nil // it may have been damaged since
		}
		text, err = p.Passwords.Fill(text, func(address, user string) (secret.String, error) {
			if password, is := known[address]; is {
				return password, nil
			}
			return ask(address, user)
		})
		if err != nil {
			return nil, fmt.Errorf("install-config.yaml in the state: %w", err)
		}
	}
	return text, nil
}

// unknown is a PasswordOf that knows none.
func unknown(string, string) (secret.String, error) { return secret.String{}, nil }

// errPassword is for callers that have nobody to ask.
func errPassword(address, _ string) (secret.String, error) {
	return secret.String{}, fmt.Errorf("the password of BMC %s is not known", address)
}
