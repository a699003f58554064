package clusterbootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/wait"
)

// temporary is the control plane on this host.
type temporary struct {
	options
	client  *api.Client
	started []string // manifests that up put in place
}

// up copies secrets and then manifests to where the kubelet looks.
func (t *temporary) up() error {
	secrets, err := regularFiles(filepath.Join(t.assetDir, "tls"))
	if err != nil {
		return err
	}
	for _, src := range secrets {
		if err := copyFile(src, filepath.Join(t.secretsDir, filepath.Base(src))); err != nil {
			return err
		}
	}
	loopback := filepath.Join(t.assetDir, "auth", "kubeconfig-loopback")
	if err := copyFile(loopback, filepath.Join(t.secretsDir, "kubeconfig")); err != nil {
		return err
	}
	manifests, err := regularFiles(filepath.Join(t.assetDir, "bootstrap-manifests"))
	if err != nil {
		return err
	}
	for _, src := range manifests {
		dst := filepath.Join(t.manifestDir, filepath.Base(src))
		// A file of that name that is not ours belongs to somebody's static pod.
		if have, err := os.ReadFile(dst); err == nil {
			want, err := os.ReadFile(src)
			if err != nil {
				return fmt.Errorf("read bootstrap manifest: %w", err)
			}
			if !bytes.Equal(have, want) {
				return fmt.Errorf("start temporary control plane: %s exists and differs; remove it", dst)
			}
		}
		if err := copyFile(src, dst); err != nil {
			return err
		}
		t.started = append(t.started, dst)
	}
	t.log.Info("temporary control plane started", "pods", len(t.started))
	return nil
}

// down removes the static pods and the secrets. After success the controllers go
// first and give back their leases, so that the masters' take over at once.
func (t *temporary) down(ctx context.Context, success bool) error {
	t.log.Info("tearing down temporary control plane")
	var errs []error
	isAPI := func(path string) bool { return strings.Contains(filepath.Base(path), "kube-apiserver") }
	for _, path := range t.started {
		if !isAPI(path) {
			errs = append(errs, remove(path))
		}
	}
	if success {
		if err := t.releaseLeases(ctx); err != nil {
			t.log.Warn("leases not given back; they run out by themselves", "err", err)
		}
	}
	for _, path := range t.started {
		if isAPI(path) {
			errs = append(errs, remove(path))
		}
	}
	if success {
		if err := t.closed(ctx, "6443", 30*time.Second); err != nil {
			t.log.Warn("temporary API server still answers", "err", err)
		}
	}
	if err := os.RemoveAll(t.secretsDir); err != nil {
		errs = append(errs, fmt.Errorf("remove bootstrap secrets: %w", err))
	}
	return errors.Join(errs...)
}

func (t *temporary) releaseLeases(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read host name: %w", err)
	}
	for name, port := range map[string]string{"kube-controller-manager": "10257", "kube-scheduler": "10259"} {
		if err := t.closed(ctx, port, 15*time.Second); err != nil {
			return err
		}
		ref := api.Leases.Ref("kube-system", name)
		var lease coordinationv1.Lease
		if err := t.client.Get(ctx, ref, &lease); err != nil {
			return fmt.Errorf("read lease %s: %w", name, err)
		}
		if h := lease.Spec.HolderIdentity; h == nil || !strings.HasPrefix(*h, host+"_") {
			continue
		}
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = new(""), new(int32(1))
		if err := t.client.Update(ctx, ref, "", &lease); err != nil {
			return fmt.Errorf("give back lease %s: %w", name, err)
		}
	}
	return nil
}

// closed waits until nothing listens on a local port.
func (t *temporary) closed(ctx context.Context, port string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return wait.Until(ctx, t.clock, 200*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		d := net.Dialer{Timeout: time.Second}
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("localhost", port))
		if err != nil {
			return ctx.Err() == nil, "", nil
		}
		_ = conn.Close() // only its success mattered
		return false, "port " + port + " is open", nil
	})
}

func regularFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	var out []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// copyFile replaces dst in one step: the kubelet watches the directory.
func copyFile(src, dst string) error {
	data, err := os.ReadFile(src)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(dst), 0o755)
	}
	if err == nil {
		err = atomicfile.Write(dst, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("copy asset: %w", err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove static pod: %w", err)
	}
	return nil
}
