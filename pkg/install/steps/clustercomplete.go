package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/rollout"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// consoleBudget is the reference's. A console that is missing then costs two lines of output, not the installation.
const consoleBudget = 2 * time.Minute

// ClusterComplete waits until the cluster has installed itself, and says how to use it.
type ClusterComplete struct {
	Cluster
	Kubeconfig string // file, which gets the ingress CA
	Output     event.Sink
	Password   secret.String // of kubeadmin, printed unless it is empty
	Approve    func()        // as in NodesJoined
}

// Run does it.
func (s ClusterComplete) Run(ctx context.Context, sink event.Sink) error {
	s.Approve()
	w := &rollout.Watcher{Watcher: s.Env.Watcher(s.API, sink), Settle: rollout.DefaultSettle, Incomplete: s.Incomplete}
	version, err := w.VersionAvailable(ctx)
	if err != nil {
		return err
	}
	event.Info(sink, "Cluster version "+version+" is available")
	ca, err := w.IngressCA(ctx)
	if err != nil {
		return err
	}
	if err := trustIngress(s.Kubeconfig, ca); err != nil {
		return err
	}
	lingering, err := w.Settled(ctx)
	if err != nil {
		return err
	}
	if len(lingering) > 0 {
		event.Warn(sink, "Operators that work are not waited for, because the cluster lacks hosts: "+
			strings.Join(lingering, ", "))
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
	return s.logIn(console)
}

// logIn prints the lines that wrappers look for.
func (s ClusterComplete) logIn(console string) error {
	kubeconfig, err := filepath.Abs(s.Kubeconfig)
	if err != nil {
		return err
	}
	s.print("Install complete!")
	s.print("To access the cluster as the system:admin user when using 'oc', run")
	s.print("    export KUBECONFIG=" + kubeconfig)
	if console == "" {
		return nil
	}
	s.print("Access the OpenShift web-console here: " + console)
	if !s.Password.IsZero() {
		// The password is not part of the message: only the sink for people reveals it, never the log file.
		s.Output.Emit(event.Event{Kind: event.Output, Reveal: s.Password,
			Message: `Login to the console with user: "kubeadmin", and password: `})
	}
	return nil
}

func (s ClusterComplete) print(text string) {
	s.Output.Emit(event.Event{Kind: event.Output, Message: text})
}

// trustIngress puts the ingress CA in front of the API's in a kubeconfig. Doing it again changes nothing.
func trustIngress(path string, ca []byte) error {
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
	return workdir.WriteFile(path, data, 0o600)
}
