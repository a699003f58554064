// Package ignition builds Ignition pointer configs, which refer machines to the
// machine config server, and parts of larger configs.
package ignition

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"

	v32 "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/coreos/ignition/v2/config/validate"

	"github.com/okd-install/okd-install/pkg/exit"
)

// Version is that of the configs. All supported machines and machine config servers
// understand it.
const Version = "3.2.0"

// machineConfigServerPort is the machine config server's TLS port.
const machineConfigServerPort = "22623"

// DataURL encodes content as a data URL.
func DataURL(content []byte) string {
	return "data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString(content)
}

// File is a file to write; it replaces a file of the OS image.
func File(path string, mode int, content []byte) v32.File {
	overwrite := true
	source := DataURL(content)
	return v32.File{
		Node:          v32.Node{Path: path, Overwrite: &overwrite},
		FileEmbedded1: v32.FileEmbedded1{Mode: &mode, Contents: v32.Resource{Source: &source}},
	}
}

// Pointer is a config that fetches the rest for a role from the machine config
// server at host, whose certificate ca has signed.
func Pointer(host, role string, ca []byte) ([]byte, error) {
	source := url.URL{Scheme: "https", Host: net.JoinHostPort(host, machineConfigServerPort), Path: "/config/" + role}
	from, trust := source.String(), DataURL(ca)
	var c v32.Config
	c.Ignition.Version = Version
	c.Ignition.Config.Merge = []v32.Resource{{Source: &from}}
	c.Ignition.Security.TLS.CertificateAuthorities = []v32.Resource{{Source: &trust}}
	return Encode(c)
}

// Encode writes a config without the empty fields of its types, and checks that
// Ignition accepts it. The check is of the value: one of the text has the whole text in
// memory as a tree, to find lines that nobody would look at.
func Encode(c v32.Config) ([]byte, error) {
	if c.Ignition.Version != v32.MaxVersion.String() {
		return nil, fmt.Errorf("encode Ignition config: version %q is not %s", c.Ignition.Version, v32.MaxVersion)
	}
	if report := validate.ValidateWithContext(c, nil); report.IsFatal() {
		return nil, fmt.Errorf("encode Ignition config: %s", report.String())
	}
	return Compact(c)
}

// WithHostname is WithFile for /etc/hostname. oVirt's engine adds a hostname to a config
// that has none, and thereby replaces a storage section without files.
func WithHostname(config []byte, name string) ([]byte, error) {
	return WithFile(config, "/etc/hostname", 0o644, []byte(name+"\n"))
}

// WithFile returns a config that also writes a file, unless it already writes one at that
// path. The config may have any 3.x version, because users edit it.
func WithFile(config []byte, path string, mode int, content []byte) ([]byte, error) {
	var tree map[string]any
	if err := json.Unmarshal(config, &tree); err != nil {
		return nil, fmt.Errorf("parse Ignition config: %w", err)
	}
	storage, _ := tree["storage"].(map[string]any)
	if storage == nil {
		storage = map[string]any{}
	}
	files, _ := storage["files"].([]any)
	for _, f := range files {
		if m, _ := f.(map[string]any); m["path"] == path {
			return config, nil
		}
	}
	added, err := Compact(File(path, mode, content))
	if err != nil {
		return nil, err
	}
	storage["files"] = append(files, json.RawMessage(added))
	tree["storage"] = storage
	return json.Marshal(tree)
}

// Check refuses what is no Ignition config of any version, such as Butane's YAML.
func Check(config []byte) error {
	var c struct {
		Ignition struct {
			Version string `json:"version"`
		} `json:"ignition"`
	}
	if len(config) == 0 {
		return errors.New("the config is empty")
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return exit.New("if it is a Butane config, convert it first: butane --strict config.bu >config.ign",
			"not an Ignition config: %w", err)
	}
	if c.Ignition.Version == "" {
		return errors.New("not an Ignition config: it has no ignition.version")
	}
	return nil
}
