package data

import (
	"embed"
	"io/fs"
)

//go:embed all:bootstrap
var bootstrap embed.FS

// Bootstrap holds the parts of bootstrap.ign: stages.yaml, scripts and settings
// under files/ (with their paths on the host), and systemd units under units/.
func Bootstrap() fs.FS {
	sub, err := fs.Sub(bootstrap, "bootstrap")
	if err != nil {
		panic(err) // the embed directive above names the directory
	}
	return sub
}
