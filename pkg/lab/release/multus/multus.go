// Package multus prepares nodes for multus: it installs CNI plugins and starts multus's
// own entrypoint once the node has a pod network.
package multus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		{Name: "multus-entrypoint", Run: runEntrypoint},
		{Name: "cni-plugins-install", Run: runInstall},
	}
}

// runEntrypoint waits for a file and becomes the program in its arguments. The
// entrypoint of multus ends if the default network is not configured yet, and the
// kubelet would try it again after ten seconds, then twenty.
func runEntrypoint(ctx context.Context, args []string) error {
	f := contract.Flags("multus-entrypoint")
	file := f.String("await", "", "file that the program needs")
	argv, err := contract.ParseWithArguments(f, args, "await")
	if err != nil {
		return err
	}
	if len(argv) == 0 {
		return errors.New("no program given")
	}
	if err := await(ctx, clock.Real(), *file); err != nil {
		return err
	}
	if err := unix.Exec(argv[0], argv, os.Environ()); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	return nil
}

func await(ctx context.Context, clk clock.Clock, file string) error {
	return program.Wait(ctx, clk, program.Logger(), "the default network", 100*time.Millisecond,
		func(context.Context) error {
			_, err := os.Stat(file)
			return err
		})
}

func runInstall(_ context.Context, args []string) error {
	f := contract.Flags("cni-plugins-install")
	n := node{api: os.Getenv("KUBERNETES_SERVICE_HOST"), port: os.Getenv("KUBERNETES_SERVICE_PORT")}
	from := f.String("from", "", "directory with plugins")
	f.StringVar(&n.plugins, "to", "", "the node's directory of plugins")
	f.StringVar(&n.conf, "conf", "", "the node's directory of CNI configurations")
	f.StringVar(&n.confOnHost, "conf-on-host", "", "its path on the node")
	f.StringVar(&n.namespace, "namespace", "", "namespace of address pools")
	if err := contract.Parse(f, args, "from", "to", "conf", "conf-on-host", "namespace"); err != nil {
		return err
	}
	if n.api == "" || n.port == "" {
		return errors.New("environment variables KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
	}
	account, err := os.OpenRoot("/var/run/secrets/kubernetes.io/serviceaccount")
	if err != nil {
		return fmt.Errorf("open service account: %w", err)
	}
	defer account.Close()
	if err := n.install(os.DirFS(*from)); err != nil {
		return err
	}
	return n.configureWhereabouts(account.FS())
}

// node is where plugins are installed.
type node struct {
	plugins, conf string // directories of the node, as this program sees them
	confOnHost    string // conf, as plugins see it
	api, port     string // of the API server
	namespace     string // of whereabouts' pools
}

// install copies plugins. One that runs is not disturbed: a file is replaced as a
// whole. whereabouts is in the program of multus, which multus's own pod installs.
func (n node) install(plugins fs.FS) error {
	entries, err := fs.ReadDir(plugins, ".")
	if err != nil {
		return fmt.Errorf("list plugins: %w", err)
	}
	if len(entries) == 0 {
		return errors.New("there are no plugins to install")
	}
	for _, e := range entries {
		if err := n.copyPlugin(plugins, e.Name()); err != nil {
			return fmt.Errorf("install plugin %s: %w", e.Name(), err)
		}
	}
	return n.link("multus", "whereabouts")
}

func (n node) link(target, name string) error {
	next := filepath.Join(n.plugins, "."+name+".new")
	err := os.Remove(next)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err = os.Symlink(target, next); err == nil {
			err = os.Rename(next, filepath.Join(n.plugins, name))
		}
	}
	if err != nil {
		return fmt.Errorf("link plugin %s: %w", name, err)
	}
	return nil
}
