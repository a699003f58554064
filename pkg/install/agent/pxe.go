package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
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
		parts, err := archives(o.Program, image)
		if err != nil {
			return err
		}
		from, err := base{e, image}.find(ctx)
		if err != nil {
			return err
		}
		event.ProgressOf(e.Sink, "writing the files")
		p := pxe{dir: e.Path(bootDir), prefix: "agent." + rpmArch(image), from: from}
		if err := os.MkdirAll(p.dir, 0o750); err != nil {
			return fmt.Errorf("make the directory of the files: %w", err)
		}
		for name, more := range map[string][]iso.Part{"vmlinuz": nil, "initrd.img": parts, "rootfs.img": nil} {
			if err := p.file(ctx, name, more); err != nil {
				return err
			}
		}
		if err := p.script(image); err != nil {
			return err
		}
		sayMade(e, image, "Pxe-Files", p.dir)
		return nil
	})
}

// pxe are files for booting over the network.
type pxe struct {
	dir, prefix string
	from        string // the live ISO
}

func (p pxe) name(file string) string { return p.prefix + "-" + file }

// file copies one out of the ISO, and appends archives.
func (p pxe) file(ctx context.Context, name string, more []iso.Part) error {
	target := filepath.Join(p.dir, p.name(name))
	err := replace(target, func(next string) error {
		// What has the Ignition config is secret; a server of boot files has to be able to read the others.
		mode := os.FileMode(0o644)
		if len(more) > 0 {
			mode = 0o600
		}
		return atomicfile.Create(next, mode, func(out *os.File) error {
			if err := iso.CopyPXE(ctx, p.from, name, out); err != nil {
				return err
			}
			return appendArchives(out, more)
		})
	})
	if err != nil {
		return fmt.Errorf("make %s: %w", target, err)
	}
	return nil
}

// appendArchives writes archives where the kernel looks for them: at multiples of 4.
func appendArchives(out *os.File, list []iso.Part) error {
	for _, part := range list {
		at, err := out.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if _, err := out.Write(make([]byte, -at&3)); err != nil {
			return err
		}
		n, err := part.WriteTo(out)
		if err != nil {
			return err
		}
		if n != part.Size() {
			return errors.New("the node agent changed while it was read")
		}
	}
	return nil
}

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
