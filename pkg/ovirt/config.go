// Package ovirt talks to an oVirt engine: REST API version 4 and imageio. It
// stands on go-ovirt-client and its SDK and adds what those lack: contexts,
// wall-clock limits, logging in again, typed errors and resumable uploads.
package ovirt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Config says where the engine is and how to log in. The keys are those of
// ~/.ovirt/ovirt-config.yaml, which other oVirt tools read too.
type Config struct {
	URL      string        `yaml:"ovirt_url"`
	FQDN     string        `yaml:"ovirt_fqdn,omitempty"`
	PEMURL   string        `yaml:"ovirt_pem_url,omitempty"`
	Username string        `yaml:"ovirt_username"`
	Password secret.String `yaml:"-"`
	CAFile   string        `yaml:"ovirt_cafile,omitempty"`
	CABundle string        `yaml:"ovirt_ca_bundle,omitempty"` // PEM
	Insecure bool          `yaml:"ovirt_insecure,omitempty"`
}

// file is Config as it is written: with the password.
type file struct {
	Config   `yaml:",inline"`
	Password string `yaml:"ovirt_password"`
}

// ConfigPath is $OVIRT_CONFIG, else ~/.ovirt/ovirt-config.yaml.
func ConfigPath(getenv func(string) string) string {
	if p := getenv("OVIRT_CONFIG"); p != "" {
		return p
	}
	return filepath.Join(getenv("HOME"), ".ovirt", "ovirt-config.yaml")
}

// LoadConfig reads the configuration file.
func LoadConfig(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, fmt.Errorf("read engine login: %s does not exist; write it with ovirt_url, "+
			"ovirt_username, ovirt_password and ovirt_ca_bundle, or name another file with OVIRT_CONFIG", path)
	}
	if err != nil {
		return Config{}, fmt.Errorf("read engine login: %w", err)
	}
	c, err := ParseConfig(data)
	if err != nil {
		return Config{}, fmt.Errorf("read engine login %s: %w", path, err)
	}
	if c.CAFile != "" && !filepath.IsAbs(c.CAFile) {
		c.CAFile = filepath.Join(filepath.Dir(path), c.CAFile)
	}
	return c, nil
}

// ParseConfig reads the content of a configuration file.
func ParseConfig(data []byte) (Config, error) {
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, hideValues(err)
	}
	c := f.Config
	c.URL, c.Password = strings.TrimRight(c.URL, "/"), secret.New(f.Password)
	return c, c.validate()
}

// hideValues drops what a decoder quotes from the file: it may be the password.
func hideValues(err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return errors.New("not valid YAML")
	}
	var out []string
	for _, line := range te.Errors {
		if strings.Contains(line, "cannot unmarshal") {
			place, _, _ := strings.Cut(line, ":")
			line = place + ": value of the wrong type"
		}
		out = append(out, strings.TrimSuffix(line, " in type ovirt.file"))
	}
	return errors.New(strings.Join(out, "; "))
}

func (c Config) validate() error {
	var missing []string
	for _, f := range []struct{ key, value string }{
		{"ovirt_url", c.URL}, {"ovirt_username", c.Username}, {"ovirt_password", c.Password.Reveal()},
	} {
		if f.value == "" {
			missing = append(missing, f.key)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s missing", strings.Join(missing, ", "))
	}
	if !strings.HasPrefix(c.URL, "https://") {
		return fmt.Errorf("ovirt_url %q: must start with https://", secret.URL(c.URL))
	}
	if i := strings.LastIndex(c.Username, "@"); i <= 0 || i == len(c.Username)-1 {
		return fmt.Errorf("ovirt_username %q: must be user@profile, for example admin@internal", c.Username)
	}
	return nil
}

// CA returns the authorities of the engine's certificate; nil: the system's.
func (c Config) CA() ([]byte, error) {
	pem := []byte(c.CABundle)
	if c.CAFile != "" {
		data, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ovirt_cafile: %w", err)
		}
		if len(pem) > 0 && pem[len(pem)-1] != '\n' {
			pem = append(pem, '\n')
		}
		pem = append(pem, data...)
	}
	return pem, nil
}

// Marshal renders the file with the password: write it with mode 0600.
func (c Config) Marshal() ([]byte, error) {
	return yaml.Marshal(file{Config: c, Password: c.Password.Reveal()})
}
