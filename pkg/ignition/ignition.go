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

	"github.com/coreos/ignition/v2/config/v3_2"
	v32 "github.com/coreos/ignition/v2/config/v3_2/types"

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
// Ignition accepts it.
func Encode(c v32.Config) ([]byte, error) {
	raw, err := Compact(c)
	if err != nil {
		return nil, err
	}
	if _, report, err := v3_2.Parse(raw); err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w: %s", err, report.String())
	}
	return raw, nil
}

// Compact writes a config of any spec without the empty fields of its types.
func Compact(config any) ([]byte, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w", err)
	}
	prune(tree)
	if raw, err = json.Marshal(tree); err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w", err)
	}
	return raw, nil
}

func prune(v any) (empty bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			if prune(child) {
				delete(v, k)
			}
		}
		return len(v) == 0
	case []any:
		for _, item := range v {
			prune(item)
		}
		return len(v) == 0
	}
	return v == nil
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
	var added any
	raw, err := json.Marshal(File(path, mode, content))
	if err == nil {
		err = json.Unmarshal(raw, &added)
	}
	if err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w", err)
	}
	prune(added)
	storage["files"] = append(files, added)
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
