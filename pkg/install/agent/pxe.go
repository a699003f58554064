package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso"
)

// bootDir has the files that hosts fetch.
const bootDir = "boot-artifacts"

// PXEFiles is the command agent create pxe-files: it makes what hosts boot over the network.
func PXEFiles(ctx context.Context, e *install.Env, o ImageOptions) error {
	return withImage(ctx, e, o, func(image assets.AgentImage) error {
		parts, err := configured(o.Program, image)
		if err != nil {
			return err
		}
		from, err := base{Env: e, sink: e.Sink, image: image}.find(ctx)
		if err != nil {
			return err
		}
		event.ProgressOf(e.Sink, "writing the files")
		p := pxe{prefix: "agent." + rpmArch(image), from: from}
		if err := p.write(ctx, e.Path(bootDir), image, parts); err != nil {
			return err
		}
		sayMade(e, image, "Pxe-Files", e.Path(bootDir))
		return nil
	})
}

// exchange lets write make files in an empty directory, which then take the places of those of
// the same names in dir.
func exchange(dir string, write func(dir string) error) (err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	next := filepath.Join(dir, ".new")
	if err := os.RemoveAll(next); err != nil { // of a run that was killed
		return err
	}
	if err := os.Mkdir(next, 0o750); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(next)) }()
	if err := write(next); err != nil {
		return err
	}
	list, err := os.ReadDir(next)
	if err != nil {
		return err
	}
	for _, f := range list {
		if err := os.Rename(filepath.Join(next, f.Name()), filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// pxe are files for booting over the network.
type pxe struct {
	dir, prefix string
	from        string // the live ISO
}

// write makes the files, and a script that boots them.
func (p pxe) write(ctx context.Context, in string, image assets.AgentImage, parts []iso.Part) error {
	err := exchange(in, func(dir string) error {
		p.dir = dir
		if _, _, err := iso.ExtractPXE(ctx, p.from, iso.PXE{Dir: dir, Name: p.prefix, Archives: parts}); err != nil {
			return err
		}
		return p.script(image)
	})
	if err != nil {
		return fmt.Errorf("make %s: %w", in, err)
	}
	return nil
}

func (p pxe) name(file string) string { return p.prefix + "-" + file }

// script writes a script for iPXE, if it is known where hosts will find the files.
func (p pxe) script(image assets.AgentImage) error {
	if image.Agent == nil || image.Agent.BootArtifactsBaseURL == "" {
		return nil
	}
	kargs := ""
	err := iso.View(p.from, func(i *iso.Image) (err error) {
		kargs, err = i.DefaultKargs()
		return err
	})
	if err != nil {
		return err
	}
	url := strings.TrimRight(image.Agent.BootArtifactsBaseURL, "/") + "/"
	text := "#!ipxe\n" +
		"initrd --name initrd " + url + p.name("initrd.img") + "\n" +
		"kernel " + url + p.name("vmlinuz") + " initrd=initrd " + fromNetwork(kargs, url+p.name("rootfs.img")) + "\n" +
		"boot\n"
	return atomicfile.Write(filepath.Join(p.dir, p.prefix+".ipxe"), []byte(text), 0o644)
}

// fromNetwork are the kernel arguments of a live system whose root is fetched.
func fromNetwork(kargs, rootfs string) string {
	var out []string
	for _, arg := range strings.Fields(kargs) {
		if !strings.HasPrefix(arg, "coreos.liveiso") {
			out = append(out, arg)
		}
	}
	return strings.Join(append(out, "coreos.live.rootfs_url="+rootfs), " ")
}
