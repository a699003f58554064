package bootstrap

import (
	"path"
	"strings"

	"github.com/okd-install/okd-install/data"
)

// addInPlace adds what a single node needs to install itself: the last stages,
// the unit that writes the disk, and what finishes the installation afterwards.
func addInPlace(b *builder, in Inputs) error {
	if !in.InPlace {
		return nil
	}
	err := eachFile(data.Bootstrap(), "in-place/files", func(name string, content []byte) error {
		b.file(strings.TrimPrefix(name, "in-place/files"), modeOf(content), content)
		return nil
	})
	if err != nil {
		return err
	}
	b.text(path.Join(home, "bootstrap-in-place/installation-disk"), readable,
		in.Config.BootstrapInPlace.InstallationDisk+"\n")
	return eachFile(data.Bootstrap(), "in-place/units", func(name string, content []byte) error {
		b.unit(path.Base(name), string(content), enabled[path.Base(name)])
		return nil
	})
}
