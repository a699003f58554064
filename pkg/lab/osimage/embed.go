package osimage

import (
	"embed"
	"io/fs"
)

//go:embed all:tree
var embedded embed.FS

// Tree is what the image has on top of Debian.
func Tree() fs.FS {
	tree, err := fs.Sub(embedded, "tree")
	if err != nil {
		panic(err) // the name is a constant
	}
	return tree
}
