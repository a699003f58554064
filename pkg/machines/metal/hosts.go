package metal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Recorded is a host in metadata.json: what is needed to find it again, without its password.
type Recorded struct {
	Name                           string `json:"name"`
	BMCAddress                     string `json:"bmcAddress"`
	Username                       string `json:"username"`
	SystemUUID                     string `json:"systemUUID,omitempty"`
	DisableCertificateVerification bool   `json:"disableCertificateVerification,omitempty"`
}

// Metadata is what metadata.json has of the hosts. The reference's keys are beside it.
type Metadata struct {
	Hosts []Recorded `json:"hosts,omitempty"`
	// BMCVerifyCA are the certificates that the BMCs were trusted with, in PEM.
	BMCVerifyCA string `json:"bmcVerifyCA,omitempty"`
}

// hostsField is where the hosts are in install-config.yaml.
var hostsField = report.NewPath("platform", config.Name, "hosts")

// mode is how the firmware is to boot.
func (h Host) mode() redfish.BootMode {
	if h.BootMode == config.BootModeLegacy {
		return redfish.Legacy
	}
	return redfish.UEFI
}

// Login is how one logs in to a BMC.
type Login struct {
	Username string
	Password secret.String
}

// Bounds of a file with logins.
const (
	maxLogins     = 1 << 20
	maxLoginHosts = 10000
)

// ParseLogins reads logins by the addresses of BMCs, as they are in metadata.json: YAML, each with username and
// password.
func ParseLogins(b []byte) (map[string]Login, error) {
	if len(b) > maxLogins {
		return nil, fmt.Errorf("it has more than %d bytes", maxLogins)
	}
	var file map[string]struct {
		Username string `yaml:"username"`
		Password string `yaml:"password"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not YAML with an address of a BMC in each line, and username and password below it")
	}
	if len(file) > maxLoginHosts {
		return nil, fmt.Errorf("it has more than %d logins", maxLoginHosts)
	}
	out := make(map[string]Login, len(file))
	for address, l := range file {
		if l.Username == "" || l.Password == "" {
			return nil, fmt.Errorf("BMC %s: it needs username and password", address)
		}
		out[address] = Login{l.Username, secret.New(l.Password)}
	}
	return out, nil
}

// readLogins reads the logins that were just asked for, else the file that the environment names.
func readLogins(a machines.Access) (map[string]Login, error) {
	b, name := a.Login, ""
	if b == nil && a.Getenv != nil {
		name = a.Getenv(EnvLogins)
	}
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the file that %s names: %w", EnvLogins, err)
		}
		defer f.Close()
		if b, err = io.ReadAll(io.LimitReader(f, maxLogins+1)); err != nil {
			return nil, fmt.Errorf("read the file that %s names: %w", EnvLogins, err)
		}
	}
	logins, err := ParseLogins(b)
	if err != nil {
		return nil, exit.New("docs/dev/baremetal.md shows such a file", "logins of BMCs %s: %w", name, err)
	}
	return logins, nil
}

// hostsOf are the hosts of the install-config with what metadata.json recorded of them, or those of metadata.json
// alone.
func hostsOf(a machines.Access) (hosts []Host, ca []byte, err error) {
	var meta Metadata
	if len(a.Metadata) > 0 {
		if err := json.Unmarshal(a.Metadata, &meta); err != nil {
			return nil, nil, fmt.Errorf("metadata.json: hosts of platform %s: %w", config.Name, err)
		}
	}
	logins, err := readLogins(a)
	if err != nil {
		return nil, nil, err
	}
	var platform config.Platform
	if a.Config != nil {
		if p := config.Of(a.Config); p != nil {
			platform = *p
		}
	}
	ca = []byte(meta.BMCVerifyCA)
	if platform.BMCVerifyCA != "" {
		ca = []byte(platform.BMCVerifyCA)
	}
	named := platform.Hosts
	for _, r := range meta.Hosts {
		// One that is missing was in the install-config when the cluster was made.
		if !slices.ContainsFunc(named, func(h config.Host) bool { return h.Name == r.Name }) {
			named = append(named[:len(named):len(named)], config.Host{Name: r.Name, BMC: config.BMC{
				Address: r.BMCAddress, Username: r.Username,
				DisableCertificateVerification: r.DisableCertificateVerification,
			}})
		}
	}
	for i, h := range named {
		if h.BMC.Address == "" {
			continue
		}
		out := Host{Host: h, Index: i}
		if d, known := a.Disks[h.Name]; known {
			out.Disk = &d
		}
		if l, has := logins[h.BMC.Address]; has {
			out.BMC.Username, out.BMC.Password = l.Username, l.Password
		}
		for _, r := range meta.Hosts {
			if r.Name == h.Name && r.BMCAddress == h.BMC.Address {
				out.UUID = r.SystemUUID
			}
		}
		if a.Hide != nil {
			a.Hide(out.BMC.Password)
		}
		hosts = append(hosts, out)
	}
	return hosts, ca, nil
}
