package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/rollout"
	"github.com/okd-install/okd-install/pkg/secret"
)

// consoleBudget is the reference's: a console that is not there after two
// minutes costs the user two lines of output, not the installation.
const consoleBudget = 2 * time.Minute

// installComplete waits until the cluster has installed itself and says how to
// use it.
func (a *App) installComplete(ctx context.Context, w *rollout.Watcher, sink event.Sink, password secret.String) error {
	version, err := w.VersionAvailable(ctx)
	if err != nil {
		return err
	}
	event.Info(sink, "Cluster version "+version+" is available")
	ca, err := w.IngressCA(ctx)
	if err != nil {
		return err
	}
	if err := a.trustIngress(ca); err != nil {
		return err
	}
	if err := w.Settled(ctx); err != nil {
		return err
	}
	consoleCtx, cancel := context.WithTimeout(ctx, consoleBudget)
	defer cancel()
	console, err := w.Console(consoleCtx)
	switch {
	case errors.Is(err, rollout.ErrNoConsole):
		event.Warn(sink, "There is no console: "+err.Error())
	case err != nil && ctx.Err() == nil:
		event.Warn(sink, "The console cannot be reached", "err", err)
	}
	return a.logIn(console, password)
}

// logIn prints the lines that wrappers look for.
func (a *App) logIn(console string, password secret.String) error {
	dir, err := filepath.Abs(a.Dir)
	if err != nil {
		return err
	}
	output(a.Sink, "Install complete!")
	output(a.Sink, "To access the cluster as the system:admin user when using 'oc', run")
	output(a.Sink, "    export KUBECONFIG="+filepath.Join(dir, kubeconfigFile))
	if console == "" {
		return nil
	}
	output(a.Sink, "Access the OpenShift web-console here: "+console)
	if !a.Options.SkipPasswordPrint && !password.IsZero() {
		// The password travels apart from the message: only the sink for
		// people reveals it, the log file and the journal never do.
		a.Sink.Emit(event.Event{Kind: event.Output, Message: `Login to the console with user: "kubeadmin", and password: `, Reveal: password})
	}
	return nil
}

func output(sink event.Sink, text string) {
	sink.Emit(event.Event{Kind: event.Output, Message: text})
}

const (
	kubeconfigFile = "auth/kubeconfig"
	passwordFile   = "auth/kubeadmin-password"
)

// trustIngress puts the ingress CA in front of the API's in auth/kubeconfig.
// Doing it again changes nothing.
func (a *App) trustIngress(ca []byte) error {
	path := a.path(kubeconfigFile)
	cfg, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	changed := false
	for name, c := range cfg.Clusters {
		if len(c.CertificateAuthorityData) == 0 {
			return fmt.Errorf("cluster %q in %s has no certificate authority", name, path)
		}
		if !bytes.Contains(c.CertificateAuthorityData, bytes.TrimSpace(ca)) {
			c.CertificateAuthorityData = slices.Concat(bytes.TrimSpace(ca), []byte("\n"), c.CertificateAuthorityData)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return asset.WriteFile(path, data, 0o600)
}

func (a *App) password() (secret.String, error) {
	data, err := os.ReadFile(a.path(passwordFile))
	if errors.Is(err, os.ErrNotExist) {
		return secret.String{}, nil
	}
	return secret.New(string(bytes.TrimSpace(data))), err
}
