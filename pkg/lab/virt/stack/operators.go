package stack

import (
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/okd-install/okd-install/pkg/lab/ociimage"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/cdi"
	"github.com/okd-install/okd-install/pkg/lab/virt/cnao"
	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/hpp"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
)

// Commands are the programs of cmd/okd-lab-virt.
func Commands() []program.Command {
	return slices.Concat(hco.Commands(), cdi.Commands(), hpp.Commands(), ssp.Commands(), cnao.Commands(),
		nmstate.Commands())
}

// user runs all programs that do not need more; pods refuse to start as root.
const user = "1001"

// operators is the image of all operators: the program under the name of each.
func (s Stack) operators() (v1.Image, error) {
	const name, path = "okd-lab-virt", "/usr/bin/okd-lab-virt"
	programs, links := ociimage.Tree{}, ociimage.Tree{}
	programs.Source(path, 0o755, s.Program)
	for _, dir := range []string{"/data", "/scratch"} { // where importers have their volumes
		links.Dir(dir)
	}
	links.File("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\nvirt:x:"+user+":0::/:/sbin/nologin\n"))
	for _, c := range Commands() {
		links.Link("/usr/bin/"+c.Name, name)
	}
	layers, err := ociimage.Layers(ociimage.Base(), programs, links)
	if err != nil {
		return nil, err
	}
	return ociimage.Compose(layers, v1.Config{
		User: user, Entrypoint: []string{path}, WorkingDir: "/", Env: []string{ociimage.SearchPath},
	})
}
