package data

import (
	"embed"
	"io/fs"
)

//go:embed all:lab
var lab embed.FS

// Lab holds the lab release's payload manifests, a directory per image tag,
// and further files of its images.
func Lab() fs.FS {
	f, err := fs.Sub(lab, "lab")
	if err != nil {
		panic(err) // the name above is fixed
	}
	return f
}
