package baremetal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/metal"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
)

// maxLogins bounds a file with logins (bytes).
const maxLogins = 1 << 20

// readLogins are the logins in the file that the environment names.
func readLogins(getenv func(string) string) (map[string]metal.Login, error) {
	name := getenv(metal.EnvLogins)
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the file that %s names: %w", metal.EnvLogins, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxLogins+1))
	if err != nil {
		return nil, fmt.Errorf("read the file that %s names: %w", metal.EnvLogins, err)
	}
	logins, err := metal.ParseLogins(text)
	if err != nil {
		return nil, exit.New("docs/user/baremetal-ipi.md shows such a file", "logins of BMCs in %s: %w", name, err)
	}
	return logins, nil
}

// password is that of a BMC in the file that the environment names.
func password(getenv func(string) string, address string) (secret.String, error) {
	logins, err := readLogins(getenv)
	return logins[address].Password, err
}

// complete asks for the passwords of BMCs that neither the install-config nor the environment has.
func complete(a *machines.Access) error {
	logins, err := readLogins(a.Getenv)
	if err != nil {
		return err
	}
	type login struct {
		Username string `yaml:"username"`
		Password string `yaml:"password"`
	}
	all, asked := map[string]login{}, false
	for address, l := range logins {
		all[address] = login{l.Username, l.Password.Reveal()}
	}
	need := func(bmc config.BMC) error {
		if _, known := all[bmc.Address]; known || bmc.Address == "" || !bmc.Password.IsZero() {
			return nil
		}
		answer, err := a.Password(bmc.Address, bmc.Username)
		if err != nil {
			return err
		}
		a.Hide(answer)
		all[bmc.Address], asked = login{bmc.Username, answer.Reveal()}, true
		return nil
	}
	var named []config.Host
	if a.Config != nil {
		named = config.Of(installed(a.Config)).Hosts
	}
	var meta metal.Metadata
	if len(a.Metadata) > 0 {
		if err := json.Unmarshal(a.Metadata, &meta); err != nil {
			return fmt.Errorf("metadata.json: hosts of platform %s: %w", config.Name, err)
		}
	}
	for _, h := range named {
		if err := need(h.BMC); err != nil {
			return err
		}
	}
	for _, r := range meta.Hosts {
		if slices.ContainsFunc(named, func(h config.Host) bool { return h.Name == r.Name }) {
			continue
		}
		if err := need(config.BMC{Address: r.BMCAddress, Username: r.Username}); err != nil {
			return err
		}
	}
	if asked {
		a.Login, err = yaml.Marshal(all)
	}
	return err
}
