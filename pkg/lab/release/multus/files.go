package multus

import (
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

//go:embed *.tmpl
var templates embed.FS

// copyPlugin writes beside the target and renames: a program that runs cannot be
// written to, and half of one must not be started.
func (n node) copyPlugin(plugins fs.FS, name string) (err error) {
	in, err := plugins.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	next := filepath.Join(n.plugins, "."+name+".new")
	// A pod that was killed may have left one.
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// The name must not outlive the content when the power fails.
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(next, filepath.Join(n.plugins, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

// configureWhereabouts gives whereabouts an account. The API server accepts the token
// for a year, and for as long as the pod exists; the pod's successor writes another.
func (n node) configureWhereabouts(account fs.FS) error {
	token, err := fs.ReadFile(account, "token")
	if err != nil {
		return fmt.Errorf("read token: %w", err)
	}
	ca, err := fs.ReadFile(account, "ca.crt")
	if err != nil {
		return fmt.Errorf("read CA: %w", err)
	}
	values := map[string]string{
		"Server": "https://" + net.JoinHostPort(n.api, n.port), "CA": base64.StdEncoding.EncodeToString(ca),
		"Token": strings.TrimSpace(string(token)), "Namespace": n.namespace,
		"Kubeconfig": filepath.Join(n.confOnHost, "whereabouts.d", "whereabouts.kubeconfig"),
	}
	dir := filepath.Join(n.conf, "whereabouts.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("configure whereabouts: %w", err)
	}
	for _, name := range []string{"whereabouts.kubeconfig", "whereabouts.conf"} {
		data, err := program.FillFile(templates, name+".tmpl", values)
		if err == nil {
			err = atomicfile.Write(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			return fmt.Errorf("configure whereabouts: %w", err)
		}
	}
	return nil
}
