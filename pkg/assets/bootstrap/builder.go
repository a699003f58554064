package bootstrap

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"github.com/coreos/ignition/v2/config/util"
	ign "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/vincent-petithory/dataurl"
)

// builder collects an Ignition config.
type builder struct{ c ign.Config }

func newBuilder() *builder {
	return &builder{c: ign.Config{Ignition: ign.Ignition{Version: ign.MaxVersion.String()}}}
}

func (b *builder) text(path string, mode int, content string) { b.file(path, mode, []byte(content)) }

func (b *builder) file(path string, mode int, content []byte) {
	b.c.Storage.Files = append(b.c.Storage.Files, ign.File{
		Node: ign.Node{Path: path, Overwrite: util.BoolToPtr(true), User: ign.NodeUser{Name: util.StrToPtr("root")}},
		FileEmbedded1: ign.FileEmbedded1{
			Mode:     util.IntToPtr(mode),
			Contents: ign.Resource{Source: util.StrToPtr(dataurl.EncodeBytes(content))},
		},
	})
}

func (b *builder) unit(name, content string, enabled bool) {
	unit := ign.Unit{Name: name, Contents: util.StrToPtr(content)}
	if enabled {
		unit.Enabled = util.BoolToPtr(true)
	}
	b.c.Systemd.Units = append(b.c.Systemd.Units, unit)
}

// config returns the config, independent of the order of the calls.
func (b *builder) config() ign.Config {
	slices.SortFunc(b.c.Storage.Files, func(x, y ign.File) int { return cmp.Compare(x.Path, y.Path) })
	slices.SortFunc(b.c.Systemd.Units, func(x, y ign.Unit) int { return cmp.Compare(x.Name, y.Name) })
	return b.c
}

// eachFile calls do for every file below root, in order.
func eachFile(tree fs.FS, root string, do func(name string, content []byte) error) error {
	return fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return do(name, content)
	})
}
