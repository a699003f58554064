// Package ign builds, merges and serves Ignition configs: one internal spec,
// converted down to what a machine asks for.
package ign

import (
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/coreos/go-semver/semver"
	"github.com/coreos/ignition/v2/config/v3_5"
	"github.com/coreos/ignition/v2/config/v3_5/types"

	"github.com/okd-install/okd-install/pkg/ignition"
)

// Config is the internal form of every config.
type Config = types.Config

// New is an empty config.
func New() Config { return Config{Ignition: types.Ignition{Version: "3.5.0"}} }

// Parse reads a config of spec 3.0 or newer.
func Parse(raw []byte) (Config, error) {
	cfg, rep, err := v3_5.ParseCompatibleVersion(raw)
	if err != nil {
		return Config{}, fmt.Errorf("parse ignition config: %w: %s", err, rep.String())
	}
	return cfg, nil
}

// Merge puts child over parent: the child's fields win.
func Merge(parent, child Config) Config { return v3_5.Merge(parent, child) }

// AddFile adds a regular file that replaces whatever the image has there.
func AddFile(cfg *Config, path string, mode int, data []byte) {
	source := ignition.DataURL(data)
	cfg.Storage.Files = append(cfg.Storage.Files, types.File{
		Node:          types.Node{Path: path, Overwrite: new(true)},
		FileEmbedded1: types.FileEmbedded1{Mode: &mode, Contents: types.Resource{Source: &source}},
	})
}

// AddUnit adds an enabled unit.
func AddUnit(cfg *Config, name, contents string) {
	cfg.Systemd.Units = append(cfg.Systemd.Units, types.Unit{Name: name, Contents: &contents, Enabled: new(true)})
}

// AddDropin adds a drop-in to a unit that the image has.
func AddDropin(cfg *Config, unit, name, contents string) {
	cfg.Systemd.Units = append(cfg.Systemd.Units, types.Unit{
		Name: unit, Dropins: []types.Dropin{{Name: name, Contents: &contents}},
	})
}

// MediaType is what Ignition asks for.
const MediaType = "application/vnd.coreos.ignition+json"

// Version is a spec version without its patch level.
type Version struct{ Major, Minor int64 }

func (v Version) String() string { return fmt.Sprintf("%d.%d.0", v.Major, v.Minor) }

// The oldest and newest specs that are served; between 2.2 and 3.1 there is none.
var (
	Legacy = Version{2, 2}
	Newest = Version{3, 5}
)

// ErrTooNew means that a machine wants a spec that this release does not know.
var ErrTooNew = errors.New("requested Ignition spec is newer than this release knows")

// Negotiate finds the spec for an Accept header by the first entry of Ignition's
// media type; a client without one is older than negotiation.
func Negotiate(accept string) (Version, error) {
	for _, entry := range strings.Split(accept, ",") {
		kind, params, err := mime.ParseMediaType(entry)
		if err != nil || kind != MediaType {
			continue
		}
		want, err := semver.NewVersion(params["version"])
		switch {
		case err != nil:
			return Legacy, nil
		case want.Major > Newest.Major, want.Major == Newest.Major && want.Minor > Newest.Minor:
			return Version{}, fmt.Errorf("serve Ignition spec %s: %w (newest is %s)", want, ErrTooNew, Newest)
		case want.Major == 3 && want.Minor >= 1:
			return Version{want.Major, want.Minor}, nil
		}
		return Legacy, nil
	}
	return Legacy, nil
}
