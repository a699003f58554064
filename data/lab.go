package data

import (
	"embed"
	"io/fs"
)

//go:embed all:lab
var lab embed.FS

// Lab holds the payload manifests of the lab's release, a directory per image tag,
// and other files of its images.
func Lab() fs.FS {
	f, err := fs.Sub(lab, "lab")
	if err != nil {
		panic(err) // the name above is fixed
	}
	return f
}
