package iso

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
)

// Where the live system looks for what was embedded.
const (
	ignitionName = "config.ign"
	keyfileDir   = "etc/coreos-firstboot-network"
	keyfileType  = ".nmconnection"
)

// Keyfile is a connection profile of NetworkManager.
type Keyfile = initrd.File

// Ignition returns the embedded config.
func (i *Image) Ignition() ([]byte, error) {
	if err := i.load(); err != nil {
		return nil, err
	}
	config, found := i.archive.File(ignitionName)
	if !found {
		return nil, exit.New("embed one with `coreos iso ignition embed`", "the ISO image has no embedded Ignition config")
	}
	return config, nil
}

// SetIgnition embeds a config; another one is replaced only with force.
func (i *Image) SetIgnition(config []byte, force bool) error {
	if err := i.load(); err != nil {
		return err
	}
	if _, found := i.archive.File(ignitionName); found && !force {
		return exit.New("replace it with --force, or look at it with `coreos iso ignition show`",
			"the ISO image already has an embedded Ignition config")
	}
	i.archive.Set(ignitionName, config)
	return i.pack()
}

// RemoveIgnition removes the embedded config, if there is one.
func (i *Image) RemoveIgnition() error {
	if err := i.load(); err != nil {
		return err
	}
	if err := i.remove(ignitionName); err != nil {
		return err
	}
	return i.pack()
}

// Keyfiles returns the embedded network settings.
func (i *Image) Keyfiles() ([]Keyfile, error) {
	if err := i.load(); err != nil {
		return nil, err
	}
	return i.archive.Files(keyfileDir), nil
}

// SetKeyfiles embeds network settings; others are replaced only with force, all of them.
func (i *Image) SetKeyfiles(list []Keyfile, force bool) error {
	supported, err := i.networkSupport()
	if err == nil && !supported {
		err = exit.New("use a newer live ISO, or kernel arguments: `coreos iso kargs modify --append ip=…`",
			"the live system of this ISO image does not apply embedded network settings")
	}
	if err == nil {
		err = checkKeyfiles(list)
	}
	if err != nil {
		return err
	}
	old, err := i.Keyfiles()
	if err != nil {
		return err
	}
	if len(old) > 0 && !force {
		return exit.New("replace them with --force, or look at them with `coreos iso network extract`",
			"the ISO image already has embedded network settings: %s", names(old))
	}
	if err := i.dropKeyfiles(old); err != nil {
		return err
	}
	for _, k := range list {
		i.archive.Set(path.Join(keyfileDir, k.Name), k.Data)
	}
	return i.pack()
}

// RemoveKeyfiles removes the embedded network settings, if there are any.
func (i *Image) RemoveKeyfiles() error {
	old, err := i.Keyfiles()
	if err != nil {
		return err
	}
	if err := i.dropKeyfiles(old); err != nil {
		return err
	}
	return i.pack()
}

func (i *Image) dropKeyfiles(list []Keyfile) error {
	for _, k := range list {
		if err := i.remove(path.Join(keyfileDir, k.Name)); err != nil {
			return err
		}
	}
	return nil
}

func checkKeyfiles(list []Keyfile) error {
	seen := map[string]bool{}
	for _, k := range list {
		switch {
		case !strings.HasSuffix(k.Name, keyfileType) || k.Name == keyfileType:
			return exit.New("name the file after its connection, as in eth0"+keyfileType,
				"NetworkManager ignores %s: its name does not end with %s", k.Name, keyfileType)
		case seen[k.Name]:
			return fmt.Errorf("there are two keyfiles named %s", k.Name)
		case len(k.Data) == 0:
			return fmt.Errorf("keyfile %s is empty", k.Name)
		}
		seen[k.Name] = true
	}
	if len(list) == 0 {
		return errors.New("there is no keyfile to embed")
	}
	return nil
}

func names(list []Keyfile) string {
	var out []string
	for _, k := range list {
		out = append(out, k.Name)
	}
	return strings.Join(out, ", ")
}

// load reads the archives in the area.
func (i *Image) load() (err error) {
	if i.sealed {
		return errors.New("nothing can be added to archives that are going to be embedded")
	}
	if i.archive != nil {
		return nil
	}
	i.archive, err = initrd.Open(io.NewSectionReader(i.file, i.current.Offset, i.current.Length), i.current.Length)
	if err != nil {
		return exit.New("`coreos iso reset` removes everything that was embedded",
			"what is embedded in %s cannot be read: %w", i.current, err)
	}
	return nil
}

// remove removes a file from the archive.
func (i *Image) remove(name string) error {
	if i.archive.IsFixed(name) {
		return exit.New("`coreos iso reset` removes everything that was embedded; make the image again from the original",
			"%s is in the same archive as large files, from which nothing can be removed", name)
	}
	i.archive.Remove(name)
	return nil
}

// pack plans to write the archives: those with large files as they are, then the rest.
func (i *Image) pack() error {
	data, err := i.archive.Pack()
	if err != nil {
		return err
	}
	var list []Part
	for _, p := range i.archive.Parts() {
		list = append(list, kept{i.file, i.current.Offset + p.Offset, p.Size})
	}
	return i.embed(append(list, Bytes(data)), i.mayGrow)
}

// WrapIgnition makes an initial RAM disk of a config, for machines that boot over the network.
func WrapIgnition(config []byte) ([]byte, error) {
	a := &initrd.Archive{}
	a.Set(ignitionName, config)
	return a.Pack()
}

// UnwrapIgnition returns the config in an initial RAM disk that WrapIgnition or coreos-installer made.
func UnwrapIgnition(data []byte) ([]byte, error) {
	a, err := initrd.Read(data)
	if err != nil {
		return nil, err
	}
	config, found := a.File(ignitionName)
	if !found {
		return nil, fmt.Errorf("there is no %s in it", ignitionName)
	}
	return config, nil
}
