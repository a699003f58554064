package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// names is the lab's DHCP and DNS server, to which an operator may add settings,
// as to any dnsmasq.
type names struct {
	site site.Site

	mu      sync.Mutex
	running *exec.Cmd
}

// dnsmasq runs the server, and starts it again when it ends.
func (d *Daemon) dnsmasq(ctx context.Context) error {
	if err := os.MkdirAll(d.names.dir(), 0o755); err != nil {
		return fmt.Errorf("start dnsmasq: %w", err)
	}
	conf, err := network.Dnsmasq(d.cfg.Site.Dir, network.Clusters())
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.names.conf(), conf, 0o644); err != nil {
		return fmt.Errorf("start dnsmasq: %w", err)
	}
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, "dnsmasq", "--conf-file="+d.names.conf())
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		wanted, err := d.names.once(cmd)
		if ctx.Err() == nil && !wanted {
			d.cfg.Log.Error("dnsmasq ended", "error", err)
			_ = d.cfg.Clock.Sleep(ctx, time.Second)
		}
	}
	return nil
}

func (n *names) conf() string { return n.site.File("dnsmasq.conf") }
func (n *names) dir() string  { return n.site.File(network.DropInDir) }

// once runs the server until it ends, and reports whether restart asked for that.
func (n *names) once(cmd *exec.Cmd) (wanted bool, err error) {
	n.mu.Lock()
	err = cmd.Start()
	if err == nil {
		n.running = cmd
	}
	n.mu.Unlock()
	if err != nil {
		return false, err
	}
	err = cmd.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	wanted = n.running == nil
	n.running = nil
	return wanted, err
}

// restart makes the server read its settings: it takes none but host files
// while it runs. The caller holds n.mu.
func (n *names) restart() {
	if n.running != nil {
		_ = n.running.Process.Kill() // fails only when it has ended by itself
		n.running = nil
	}
}

var dropInName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// set keeps settings under a name, in place of earlier ones, if dnsmasq takes
// them together with all others.
func (n *names) set(ctx context.Context, name string, conf []byte) error {
	if !dropInName.MatchString(name) {
		return fmt.Errorf("name %q: use at most 63 lower-case letters, digits and dashes", name)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	path := filepath.Join(n.dir(), name+".conf")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keep settings: %w", err)
	}
	if err := atomicfile.Write(path, conf, 0o644); err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	if _, err := command.Run(ctx, "dnsmasq", "--test", "--conf-file="+n.conf()); err != nil {
		err = fmt.Errorf("dnsmasq refuses the settings: %w", err)
		if old == nil {
			return errors.Join(err, os.Remove(path))
		}
		return errors.Join(err, atomicfile.Write(path, old, 0o644))
	}
	n.restart()
	return nil
}

// remove drops settings.
func (n *names) remove(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !dropInName.MatchString(name) {
		return fmt.Errorf("there are no settings %q", name)
	}
	if err := os.Remove(filepath.Join(n.dir(), name+".conf")); err != nil {
		return fmt.Errorf("there are no settings %q: %w", name, err)
	}
	n.restart()
	return nil
}

// list names the settings that there are.
func (n *names) list() ([]string, error) {
	found, err := filepath.Glob(filepath.Join(n.dir(), "*.conf"))
	list := make([]string, 0, len(found))
	for _, path := range found {
		list = append(list, strings.TrimSuffix(filepath.Base(path), ".conf"))
	}
	return list, err
}
