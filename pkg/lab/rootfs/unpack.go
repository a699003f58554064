package rootfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// archiveKeys verifies what apt gets from the mirror.
const archiveKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Unpack returns a directory with the packages of a suite and all that they depend
// on, from the cache if it is there. The packages are unpacked only: nothing of
// them has run, so there are no users, no alternatives and no configuration but
// the packages' own. It is a place to copy files from, not a system.
func (b Builder) Unpack(ctx context.Context, suite string, packages []string) (string, error) {
	mirror := b.Mirror
	if mirror == "" {
		mirror = DefaultMirror
	}
	packages = slices.Sorted(slices.Values(packages))
	key := suite + "-" + cache.Key(suite, mirror, strings.Join(packages, " "))
	return b.Cache.Entry(ctx, b.Clock, "unpacked", key, func(path string) error {
		work := path + ".apt"
		err := errors.Join(os.RemoveAll(work), unpack(ctx, work, path, suite, mirror, packages), os.RemoveAll(work))
		if err != nil {
			return fmt.Errorf("unpack packages of Debian %s: %w", suite, err)
		}
		return nil
	})
}

func unpack(ctx context.Context, work, root, suite, mirror string, packages []string) error {
	archives := filepath.Join(work, "cache/archives")
	for _, d := range []string{filepath.Join(work, "state/lists/partial"), filepath.Join(archives, "partial"), root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{
		"status":       "", // nothing is installed, so that apt takes every dependency
		"sources.list": "deb [signed-by=" + archiveKeys + "] " + mirror + " " + suite + " main\n",
	} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	apt := func(args ...string) error {
		options := []string{"-q", "-y", "-o", "Acquire::Languages=none"}
		for name, value := range map[string]string{
			"Dir::State":           filepath.Join(work, "state"),
			"Dir::State::status":   filepath.Join(work, "status"),
			"Dir::Cache":           filepath.Join(work, "cache"),
			"Dir::Etc::SourceList": filepath.Join(work, "sources.list"), "Dir::Etc::SourceParts": "/dev/null",
			"Dir::Etc::Preferences": "/dev/null", "Dir::Etc::PreferencesParts": "/dev/null",
			"APT::Sandbox::User": "root", "APT::Install-Recommends": "0",
		} {
			options = append(options, "-o", name+"="+value)
		}
		_, err := command.Output(exec.CommandContext(ctx, "apt-get", append(options, args...)...))
		return err
	}
	if err := apt("update"); err != nil {
		return err
	}
	if err := apt(append([]string{"install", "--download-only"}, packages...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil {
		return err
	}
	// The links of a merged /usr come with base-files; without them dpkg-deb would
	// make directories of the same names.
	slices.SortStableFunc(files, func(a, b string) int { return baseFilesFirst(a) - baseFilesFirst(b) })
	for _, f := range files {
		if _, err := command.Run(ctx, "dpkg-deb", "--extract", f, root); err != nil {
			return err
		}
	}
	return nil
}

func baseFilesFirst(path string) int {
	if strings.HasPrefix(filepath.Base(path), "base-files_") {
		return 0
	}
	return 1
}
