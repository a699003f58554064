package kubevirt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/ociimage"
)

// Images are the pull specs of KubeVirt's images.
type Images struct {
	Operator                  string `json:"operator"`
	API                       string `json:"api"`
	Controller                string `json:"controller"`
	Handler                   string `json:"handler"`
	Launcher                  string `json:"launcher"`
	ExportProxy               string `json:"exportProxy"`
	ExportServer              string `json:"exportServer"`
	SynchronizationController string `json:"synchronizationController"`
}

// repository is where the images are in the registry, as at upstream's.
const repository = "kubevirt/"

// guests are the names of the container disk: its own, and those that golden images
// and smoke tests ask for by default.
var guests = []struct{ repository, tag string }{
	{"containerdisks/okd-lab", "latest"}, {"containerdisks/fedora", "latest"},
	{"containerdisks/centos-stream", "9"}, {"containerdisks/centos-stream", "10"},
}

// unprivileged is the user of all components but handler and launcher; their pods
// refuse to start as root.
const unprivileged = "1001"

// The directory's record is written last, so it vouches for a complete layout.
const recordFile = "kubevirt.json"

// images makes the images as an OCI layout. It does nothing when the layout is up to
// date.
func (b Builder) images(ctx context.Context, root, guest string, r *Result) error {
	var all []ociimage.Named
	prefix := ""
	if b.Outside {
		prefix = b.Registry + "/"
	}
	// add returns the pull spec of an image.
	add := func(name, tag string, img v1.Image) (string, error) {
		all = append(all, ociimage.Named{Name: prefix + name + ":" + tag, Image: img})
		digest, err := img.Digest()
		return b.Registry + "/" + name + "@" + digest.String(), err
	}
	for program, spec := range map[string]*string{
		"virt-operator": &r.Images.Operator, "virt-api": &r.Images.API, "virt-controller": &r.Images.Controller,
		"virt-exportproxy": &r.Images.ExportProxy, "virt-exportserver": &r.Images.ExportServer,
		"synchronization-controller": &r.Images.SynchronizationController,
	} {
		img, err := component(root, r.Programs, program)
		if err == nil {
			*spec, err = add(repository+program, Version, img)
		}
		if err != nil {
			return fmt.Errorf("image %s: %w", program, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	base, err := userland(root)
	if err != nil {
		return fmt.Errorf("userland: %w", err)
	}
	img, err := handler(base, root, r.Programs)
	if err == nil {
		r.Images.Handler, err = add(repository+"virt-handler", Version, img)
	}
	if err != nil {
		return fmt.Errorf("image virt-handler: %w", err)
	}
	if img, err = launcher(base, root, r.Programs); err == nil {
		r.Images.Launcher, err = add(repository+"virt-launcher", Version, img)
	}
	if err != nil {
		return fmt.Errorf("image virt-launcher: %w", err)
	}
	if img, err = diskImage(guest); err != nil {
		return fmt.Errorf("image of the guest: %w", err)
	}
	for _, g := range guests {
		if _, err := add(g.repository, g.tag, img); err != nil {
			return fmt.Errorf("image of the guest: %w", err)
		}
	}
	r.Guest = b.Registry + "/" + guests[0].repository + ":" + guests[0].tag
	r.Layout = filepath.Join(b.Cache.Path, "kubevirt")
	return record(r, all)
}

func record(r *Result, all []ociimage.Named) error {
	digests := map[string]string{}
	for _, n := range all {
		d, err := n.Image.Digest()
		if err != nil {
			return err
		}
		digests[n.Name] = d.String()
	}
	text, err := json.MarshalIndent(digests, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(r.Layout, recordFile)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := ociimage.WriteLayout(r.Layout, all); err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	return atomicfile.Write(path, text, 0o644)
}

// component is the image of a program that needs nothing but itself, and its libraries if it is not static.
func component(root, programs, name string) (v1.Image, error) {
	program := filepath.Join(programs, name)
	t, err := ociimage.Root(root).Libraries(program)
	if err != nil {
		return nil, err
	}
	t.Source("/usr/bin/"+name, 0o755, program)
	if called := "virt-" + name; !strings.HasPrefix(name, "virt-") { // by its pods
		t.Link("/usr/bin/"+called, name)
	}
	return compose(v1.Config{Entrypoint: []string{"/usr/bin/" + name}, User: unprivileged}, ociimage.Base(), t)
}

func handler(base ociimage.Tree, root, programs string) (v1.Image, error) {
	t, err := ociimage.Root(root).Libraries(filepath.Join(programs, "virt-handler"))
	if err != nil {
		return nil, err
	}
	for _, p := range []string{"virt-handler", "virt-chroot"} {
		t.Source("/usr/bin/"+p, 0o755, filepath.Join(programs, p))
	}
	return compose(v1.Config{Entrypoint: []string{"/usr/bin/virt-handler"}}, ociimage.Base(), base, t)
}

func launcher(base ociimage.Tree, root, programs string) (v1.Image, error) {
	virt, err := libvirt(root)
	if err != nil {
		return nil, err
	}
	libraries, err := ociimage.Root(root).Libraries(filepath.Join(programs, "virt-launcher"))
	if err != nil {
		return nil, err
	}
	virt.Add(libraries)
	t := ociimage.Tree{}
	for _, p := range []string{
		"virt-launcher", "virt-launcher-monitor", "virt-probe", "virt-freezer", "virt-tail", containerDisk,
	} {
		t.Source("/usr/bin/"+p, 0o755, filepath.Join(programs, p))
	}
	// The monitor passes it on to libvirt, whose user is not root.
	if err := t.Capable("/usr/bin/virt-launcher-monitor", ociimage.NetBindService); err != nil {
		return nil, err
	}
	for at, f := range map[string]struct {
		name string
		mode os.FileMode
	}{
		"/etc/libvirt/qemu.conf": {"qemu.conf", 0o644}, "/etc/libvirt/virtqemud.conf": {"virtqemud.conf", 0o644},
		"/etc/libvirt/hooks/qemu": {"qemu-hook", 0o755},
	} {
		t.Source(at, f.mode, filepath.Join(programs, f.name))
	}
	script, err := os.ReadFile(filepath.Join(programs, "node-labeller.sh"))
	if err != nil {
		return nil, err
	}
	if script, err = labeller(script); err != nil {
		return nil, err
	}
	t.File("/usr/bin/node-labeller.sh", 0o755, script)
	return compose(v1.Config{Entrypoint: []string{"/usr/bin/virt-launcher"}}, ociimage.Base(), base, virt, t)
}

func compose(config v1.Config, trees ...ociimage.Tree) (v1.Image, error) {
	layers, err := ociimage.Layers(trees...)
	if err != nil {
		return nil, err
	}
	config.Env, config.WorkingDir = []string{ociimage.SearchPath}, "/"
	return ociimage.Compose(layers, config)
}
