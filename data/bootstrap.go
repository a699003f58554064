package data

import (
	"embed"
	"io/fs"
)

//go:embed all:bootstrap
var bootstrap embed.FS

// Bootstrap is what the bootstrap host gets: stages.yaml, the scripts and
// settings under files/ (paths as on the host), and the systemd units/.
func Bootstrap() fs.FS {
	sub, err := fs.Sub(bootstrap, "bootstrap")
	if err != nil {
		panic(err) // the embed directive above names the directory
	}
	return sub
}
