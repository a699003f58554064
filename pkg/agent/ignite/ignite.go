// Package ignite applies an Ignition config to a system that runs. Ignition itself runs
// once, before a system starts; the rendezvous host learns later that it is the one that
// bootstraps.
//
// A config that asks for what cannot be done on a running system is refused before
// anything is changed. Applying a config again changes nothing.
package ignite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ign "github.com/coreos/ignition/v2/config/v3_5"
	"github.com/coreos/ignition/v2/config/v3_5/types"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// Runner runs a program, with stdin as its input.
type Runner func(ctx context.Context, stdin, name string, args ...string) error

// Options say where and how a config is applied.
type Options struct {
	// Root is "/" except in tests.
	Root string
	Run  Runner
	// Keep are paths that stay as they are; those that end with a slash are directories
	// in which everything stays.
	Keep []string
	// Replace has contents that the config leaves open, by path. The config may have them
	// or not.
	Replace map[string][]byte
}

// Plan is a config that can be applied.
type Plan struct {
	o        Options
	dirs     []dir
	files    []file
	links    []link
	users    []user
	enabled  []string
	disabled []string
}

// File returns the content of a file that the config in the file name has.
func File(name, path string) ([]byte, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	c, _, err := ign.ParseCompatibleVersion(raw)
	if err != nil {
		return nil, fmt.Errorf("parse Ignition config %s: %w", name, err)
	}
	for _, f := range c.Storage.Files {
		if f.Path != path {
			continue
		}
		content, err := contents(f.Contents)
		if err != nil {
			return nil, fmt.Errorf("file %s of %s: %w", path, name, err)
		}
		return content, nil
	}
	return nil, fmt.Errorf("%s has no file %s", name, path)
}

// Enabled are the units that the config enables, in its order.
func (p *Plan) Enabled() []string { return slices.Clone(p.enabled) }

type owner struct{ uid, gid int }

type dir struct {
	path string
	mode fs.FileMode
	owner
}

type file struct {
	path      string
	mode      fs.FileMode
	given     bool // the config says the mode
	contents  []byte
	replaces  bool     // contents are the whole file
	overwrite bool     // of a file with other contents
	appended  [][]byte // after the contents
	owner
}

type link struct {
	path, target string
	hard         bool
	overwrite    bool
	owner
}

// Prepare reads a config and checks that all of it can be done here.
func Prepare(raw []byte, o Options) (*Plan, error) {
	c, report, err := ign.ParseCompatibleVersion(raw)
	if err != nil {
		return nil, fmt.Errorf("parse Ignition config: %w: %s", err, strings.TrimSpace(report.String()))
	}
	if err := refuse(c); err != nil {
		return nil, err
	}
	p := &Plan{o: o}
	names, err := readNames(o.Root)
	if err != nil {
		return nil, err
	}
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	for _, d := range c.Storage.Directories {
		note(p.addDir(d, names))
	}
	for _, f := range c.Storage.Files {
		note(p.addFile(f, names))
	}
	for _, l := range c.Storage.Links {
		note(p.addLink(l, names))
	}
	for _, u := range c.Systemd.Units {
		p.addUnit(u)
	}
	for _, u := range c.Passwd.Users {
		note(p.addUser(u, names))
	}
	p.replace()
	for _, f := range p.files {
		note(p.checkFile(f))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("the Ignition config cannot be applied to a running system: %w", err)
	}
	return p, nil
}

func (p *Plan) kept(path string) bool {
	return slices.ContainsFunc(p.o.Keep, func(k string) bool {
		return path == k || strings.HasSuffix(k, "/") && strings.HasPrefix(path, k)
	})
}

func (p *Plan) replace() {
	paths := make([]string, 0, len(p.o.Replace))
	for path := range p.o.Replace {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		f := file{path: path, mode: 0o644, contents: p.o.Replace[path], replaces: true, overwrite: true}
		if i := slices.IndexFunc(p.files, func(f file) bool { return f.path == path }); i >= 0 {
			f.mode, f.given, f.owner = p.files[i].mode, p.files[i].given, p.files[i].owner
			p.files[i] = f
		} else {
			p.files = append(p.files, f)
		}
	}
}

func (p *Plan) addDir(d types.Directory, names *names) error {
	if p.kept(d.Path) {
		return nil
	}
	o, err := names.owner(d.Node)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o755)
	if d.Mode != nil {
		mode = unixMode(*d.Mode)
	}
	p.dirs = append(p.dirs, dir{d.Path, mode, o})
	return nil
}

func (p *Plan) addFile(f types.File, names *names) error {
	if p.kept(f.Path) {
		return nil
	}
	o, err := names.owner(f.Node)
	if err != nil {
		return err
	}
	out := file{path: f.Path, mode: 0o644, overwrite: yes(f.Overwrite), owner: o}
	if f.Mode != nil {
		out.mode, out.given = unixMode(*f.Mode), true
	}
	if f.Contents.Source != nil {
		out.replaces = true
		if out.contents, err = contents(f.Contents); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	for _, a := range f.Append {
		more, err := contents(a)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		out.appended = append(out.appended, more)
	}
	p.files = append(p.files, out)
	return nil
}

func (p *Plan) addLink(l types.Link, names *names) error {
	if p.kept(l.Path) {
		return nil
	}
	if l.Target == nil || *l.Target == "" {
		return fmt.Errorf("%s: a link without a target", l.Path)
	}
	o, err := names.owner(l.Node)
	if err != nil {
		return err
	}
	out := link{l.Path, *l.Target, yes(l.Hard), yes(l.Overwrite), o}
	p.links = append(p.links, out)
	switch present, err := os.Lstat(p.at(l.Path)); {
	case err != nil || out.overwrite:
		return nil
	case present.IsDir():
		return fmt.Errorf("%s: a directory is there", l.Path)
	case out.same(p):
		return nil
	}
	return fmt.Errorf("%s: it is there already, and the config does not overwrite it", l.Path)
}

// checkFile reports what is in the way of a file.
func (p *Plan) checkFile(f file) error {
	present, err := os.Lstat(p.at(f.path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case present.IsDir():
		return fmt.Errorf("%s: a directory is there", f.path)
	case !f.replaces || f.overwrite:
		return nil
	case !present.Mode().IsRegular():
		return fmt.Errorf("%s: it is no ordinary file, and the config does not overwrite it", f.path)
	}
	have, err := os.ReadFile(p.at(f.path))
	if err == nil && string(have) != string(f.whole()) {
		err = fmt.Errorf("%s: it is there with other contents, and the config does not overwrite it", f.path)
	}
	return err
}

// whole is the file after the config was applied, if the config has all of it.
func (f *file) whole() []byte {
	out := slices.Clone(f.contents)
	for _, more := range f.appended {
		out = append(out, more...)
	}
	return out
}

func (p *Plan) at(path string) string { return filepath.Join(p.o.Root, path) }

func yes(b *bool) bool { return b != nil && *b }

// unixMode translates the bits of the system to those of Go.
func unixMode(mode int) fs.FileMode {
	out := fs.FileMode(mode) & fs.ModePerm
	for bit, is := range map[int]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&bit != 0 {
			out |= is
		}
	}
	return out
}

// Apply makes the system as the config says. Units are enabled, but not started.
func (p *Plan) Apply(ctx context.Context) error {
	for _, d := range p.dirs {
		if err := p.makeDir(d); err != nil {
			return fmt.Errorf("directory %s: %w", d.path, err)
		}
	}
	for _, f := range p.files {
		if err := p.writeFile(f); err != nil {
			return fmt.Errorf("file %s: %w", f.path, err)
		}
	}
	for _, l := range p.links {
		if err := p.makeLink(l); err != nil {
			return fmt.Errorf("link %s: %w", l.path, err)
		}
	}
	for _, u := range p.users {
		if err := p.login(ctx, u); err != nil {
			return fmt.Errorf("user %s: %w", u.name, err)
		}
	}
	if err := p.relabel(ctx); err != nil {
		return err
	}
	return p.settle(ctx)
}

func (p *Plan) makeDir(d dir) error {
	if err := os.MkdirAll(p.at(d.path), 0o755); err != nil {
		return err
	}
	if err := chown(p.at(d.path), d.owner); err != nil {
		return err
	}
	return os.Chmod(p.at(d.path), d.mode)
}

func (p *Plan) writeFile(f file) error {
	name := p.at(f.path)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	have, err := os.ReadFile(name)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	want := f.whole()
	if !f.replaces {
		want = slices.Clone(have)
		for _, more := range f.appended {
			// What was appended by an earlier run is there already.
			if !strings.Contains(string(have), string(more)) {
				want = append(want, more...)
			}
		}
	}
	mode := f.mode
	if present, err := os.Lstat(name); err == nil && present.Mode().IsRegular() {
		if !f.given && !f.replaces {
			mode = present.Mode()
		}
	} else {
		exists = false // a link is replaced, not followed
	}
	if !exists || string(have) != string(want) {
		if err := atomicfile.Write(name, want, 0o600); err != nil {
			return err
		}
	}
	if err := chown(name, f.owner); err != nil {
		return err
	}
	return os.Chmod(name, mode) // after chown, which drops setuid
}

func (p *Plan) makeLink(l link) error {
	name := p.at(l.path)
	if l.same(p) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if l.hard {
		return os.Link(p.at(l.target), name)
	}
	if err := os.Symlink(l.target, name); err != nil {
		return err
	}
	return chown(name, l.owner)
}

// same reports whether the link is there already.
func (l *link) same(p *Plan) bool {
	if l.hard {
		a, errA := os.Stat(p.at(l.path))
		b, errB := os.Stat(p.at(l.target))
		return errA == nil && errB == nil && os.SameFile(a, b)
	}
	target, err := os.Readlink(p.at(l.path))
	return err == nil && target == l.target
}

// chown gives a file to its owner, unless it has it: only root may.
func chown(name string, o owner) error {
	if o.uid == os.Getuid() && o.gid == os.Getgid() {
		return nil
	}
	return os.Lchown(name, o.uid, o.gid)
}

// batch is how many paths a program gets at once.
const batch = 200

// relabel gives what was written the labels that SELinux expects.
func (p *Plan) relabel(ctx context.Context) error {
	if _, err := os.Stat(p.at("/sys/fs/selinux/enforce")); err != nil {
		return nil // no SELinux
	}
	var paths []string
	for _, d := range p.dirs {
		paths = append(paths, d.path)
	}
	for _, f := range p.files {
		for parent := filepath.Dir(f.path); parent != "/"; parent = filepath.Dir(parent) {
			paths = append(paths, parent)
		}
		paths = append(paths, f.path)
	}
	for _, l := range p.links {
		paths = append(paths, l.path)
	}
	for _, u := range p.users {
		ssh, name := p.keysFile(u)
		paths = append(paths, ssh, name)
	}
	slices.Sort(paths)
	for chunk := range slices.Chunk(slices.Compact(paths), batch) {
		if err := p.o.Run(ctx, "", "restorecon", append([]string{"-F", "-i", "--"}, chunk...)...); err != nil {
			return fmt.Errorf("SELinux labels: %w", err)
		}
	}
	return nil
}

// settle makes systemd read the units and enables them.
func (p *Plan) settle(ctx context.Context) error {
	if err := p.o.Run(ctx, "", "systemctl", "daemon-reload"); err != nil {
		return fmt.Errorf("read the new units: %w", err)
	}
	for _, c := range []struct {
		verb  string
		units []string
	}{{"enable", p.enabled}, {"disable", p.disabled}} {
		if len(c.units) == 0 {
			continue
		}
		if err := p.o.Run(ctx, "", "systemctl", append([]string{c.verb, "--"}, c.units...)...); err != nil {
			return fmt.Errorf("%s units: %w", c.verb, err)
		}
	}
	return nil
}
