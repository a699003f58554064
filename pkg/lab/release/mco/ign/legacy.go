package ign

import (
	"encoding/json"
	"fmt"

	"github.com/coreos/ignition/v2/config/v3_5/types"
)

// Spec 2.2 in the parts that machine configs use. It differs from spec 3 in
// naming a file system for every path and in overwriting by default.
type (
	legacyConfig struct {
		Ignition legacyIgnition `json:"ignition"`
		Passwd   *legacyPasswd  `json:"passwd,omitempty"`
		Storage  *legacyStorage `json:"storage,omitempty"`
		Systemd  *legacySystemd `json:"systemd,omitempty"`
	}
	legacyIgnition struct {
		Version string `json:"version"`
	}
	legacyPasswd struct {
		Users  []types.PasswdUser  `json:"users,omitempty"`
		Groups []types.PasswdGroup `json:"groups,omitempty"`
	}
	legacyStorage struct {
		Directories []legacyDirectory `json:"directories,omitempty"`
		Files       []legacyFile      `json:"files,omitempty"`
		Links       []legacyLink      `json:"links,omitempty"`
	}
	legacyNode struct {
		Filesystem string           `json:"filesystem"`
		Path       string           `json:"path"`
		Overwrite  *bool            `json:"overwrite,omitempty"`
		User       *types.NodeUser  `json:"user,omitempty"`
		Group      *types.NodeGroup `json:"group,omitempty"`
	}
	legacyDirectory struct {
		legacyNode
		Mode *int `json:"mode,omitempty"`
	}
	legacyFile struct {
		legacyNode
		Mode     *int            `json:"mode,omitempty"`
		Append   bool            `json:"append,omitempty"`
		Contents *legacyContents `json:"contents,omitempty"`
	}
	legacyContents struct {
		Source       *string             `json:"source,omitempty"`
		Compression  *string             `json:"compression,omitempty"`
		Verification *types.Verification `json:"verification,omitempty"`
	}
	legacyLink struct {
		legacyNode
		Hard   *bool   `json:"hard,omitempty"`
		Target *string `json:"target"`
	}
	legacySystemd struct {
		Units []legacyUnit `json:"units,omitempty"`
	}
	legacyUnit struct {
		Name     string         `json:"name"`
		Contents *string        `json:"contents,omitempty"`
		Enabled  *bool          `json:"enabled,omitempty"`
		Mask     *bool          `json:"mask,omitempty"`
		Dropins  []types.Dropin `json:"dropins,omitempty"`
	}
)

// legacy writes cfg in spec 2.2.
func legacy(cfg Config) ([]byte, error) {
	if what := beyondLegacy(cfg); what != "" {
		return nil, fmt.Errorf("convert config to spec %s: it has no %s; boot an image with a newer Ignition", Legacy, what)
	}
	out := legacyConfig{Ignition: legacyIgnition{Version: Legacy.String()}}
	if len(cfg.Passwd.Users)+len(cfg.Passwd.Groups) > 0 {
		out.Passwd = &legacyPasswd{Users: cfg.Passwd.Users, Groups: cfg.Passwd.Groups}
	}
	st, err := legacyTree(cfg.Storage)
	if err != nil {
		return nil, err
	}
	out.Storage = st
	if len(cfg.Systemd.Units) > 0 {
		out.Systemd = &legacySystemd{}
	}
	for _, u := range cfg.Systemd.Units {
		out.Systemd.Units = append(out.Systemd.Units, legacyUnit{
			Name: u.Name, Contents: u.Contents, Enabled: u.Enabled, Mask: u.Mask, Dropins: u.Dropins,
		})
	}
	return json.Marshal(out)
}

// beyondLegacy names the first part of a config that spec 2.2 cannot say, or
// whose meaning changed so much that this server does not try.
func beyondLegacy(cfg Config) string {
	switch {
	case len(cfg.Ignition.Config.Merge) > 0 || cfg.Ignition.Config.Replace.Source != nil:
		return "merged or replaced config"
	case len(cfg.Ignition.Security.TLS.CertificateAuthorities) > 0:
		return "certificate authorities of this form"
	case len(cfg.KernelArguments.ShouldExist)+len(cfg.KernelArguments.ShouldNotExist) > 0:
		return "kernelArguments"
	case len(cfg.Storage.Luks) > 0:
		return "storage.luks"
	case len(cfg.Storage.Disks)+len(cfg.Storage.Raid)+len(cfg.Storage.Filesystems) > 0:
		return "storage.disks, raid or filesystems of this form"
	}
	return ""
}

func legacyTree(s types.Storage) (*legacyStorage, error) {
	if len(s.Directories)+len(s.Files)+len(s.Links) == 0 {
		return nil, nil
	}
	out := &legacyStorage{}
	for _, d := range s.Directories {
		out.Directories = append(out.Directories, legacyDirectory{legacyOf(d.Node), d.Mode})
	}
	for _, l := range s.Links {
		out.Links = append(out.Links, legacyLink{legacyOf(l.Node), l.Hard, l.Target})
	}
	for _, f := range s.Files {
		if f.Contents.Source != nil {
			c, err := legacyResource(f.Path, f.Contents)
			if err != nil {
				return nil, err
			}
			out.Files = append(out.Files, legacyFile{legacyNode: legacyOf(f.Node), Mode: f.Mode, Contents: c})
		}
		for _, a := range f.Append {
			c, err := legacyResource(f.Path, a)
			if err != nil {
				return nil, err
			}
			n := legacyOf(f.Node)
			n.Overwrite = nil // 2.2 refuses append together with overwrite
			out.Files = append(out.Files, legacyFile{legacyNode: n, Mode: f.Mode, Append: true, Contents: c})
		}
	}
	return out, nil
}

func legacyOf(n types.Node) legacyNode {
	out := legacyNode{Filesystem: "root", Path: n.Path, Overwrite: n.Overwrite}
	if out.Overwrite == nil {
		no := false
		out.Overwrite = &no
	}
	if n.User.ID != nil || n.User.Name != nil {
		out.User = &n.User
	}
	if n.Group.ID != nil || n.Group.Name != nil {
		out.Group = &n.Group
	}
	return out
}

func legacyResource(path string, r types.Resource) (*legacyContents, error) {
	if len(r.HTTPHeaders) > 0 {
		return nil, fmt.Errorf("convert config to spec %s: file %s needs HTTP headers, which it lacks", Legacy, path)
	}
	out := &legacyContents{Source: r.Source, Compression: r.Compression}
	if r.Verification.Hash != nil {
		out.Verification = &r.Verification
	}
	return out, nil
}
