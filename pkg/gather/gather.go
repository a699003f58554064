// Package gather makes log bundles: what the bootstrap host, the control-plane hosts, the API and the installer itself
// know about an installation, without its secrets.
package gather

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

// API reads paths of a cluster's API.
type API interface {
	Raw(ctx context.Context, path string, query url.Values) ([]byte, error)
}

// Options say where to look.
type Options struct {
	Dir       string   // where the bundle goes
	Bootstrap []string // addresses of the bootstrap host
	// Masters are the known hosts of the control plane. They are reached directly, or else through the bootstrap host.
	Masters []Host
	Only    bool             // the user named the masters: others that the API lists are left alone
	Port    string           // of SSH, default 22
	SSH     sshclient.Config // keys and host key of the bootstrap host, without Addr
	// MasterSSH is how to log in to the masters. No key is forwarded to any host.
	MasterSSH sshclient.Config
	NoKey     string          // which private key for the masters is missing, empty if none is
	API       API             // nil: the installer does not ask the API itself
	Local     []string        // the installer's own files for the bundle; missing ones do not matter
	Secrets   []secret.String // values that must not be in the bundle
	Clock     clock.Clock
	Sink      event.Sink
	Timeout   time.Duration // for the hosts, default 5 min
}

// Incomplete says what a bundle lacks. The bundle exists nevertheless.
type Incomplete struct {
	Missing []string
	Cause   error // first reason, may be nil
	Empty   bool  // neither hosts nor API gave anything
}

func (i *Incomplete) Error() string {
	return "log bundle is incomplete: missing " + strings.Join(i.Missing, "; missing ")
}

func (i *Incomplete) Unwrap() error { return i.Cause }

// Bootstrap gathers and returns the path of the bundle. If the error is an *Incomplete, the bundle has the rest.
func Bootstrap(ctx context.Context, o Options) (string, error) {
	o.Timeout, o.Port = cmp.Or(o.Timeout, 5*time.Minute), cmp.Or(o.Port, "22")
	id := o.unused()
	b, err := create(o.Dir, "log-bundle-"+id, newCleaner(o.Secrets), o.Clock.Now())
	if err != nil {
		return "", err
	}
	defer b.discard()
	lack := &Incomplete{}
	o.gather(ctx, b, id, lack)
	lack.Empty = len(b.paths) == 0
	o.askAPI(ctx, b)
	for _, path := range o.Local {
		o.fromHere(b, path, lack)
	}
	if len(lack.Missing) > 0 {
		b.add("missing.txt", []byte(strings.Join(lack.Missing, "\n")+"\n"))
	}
	path, err := b.finish()
	if err != nil {
		return "", err
	}
	if len(lack.Missing) > 0 {
		return path, lack
	}
	return path, nil
}

// unused is an ID without a bundle yet, made of the time as in the reference.
func (o Options) unused() string {
	for at := o.Clock.Now().UTC(); ; at = at.Add(time.Second) {
		id := at.Format("20060102150405")
		if _, err := os.Lstat(filepath.Join(o.Dir, "log-bundle-"+id+".tar.gz")); err != nil {
			return id
		}
	}
}

func (l *Incomplete) add(what string, err error) {
	if err != nil {
		what += ": " + err.Error()
		if l.Cause == nil {
			l.Cause = err
		}
	}
	l.Missing = append(l.Missing, what)
}

// gather asks the hosts and the API.
func (o Options) gather(ctx context.Context, b *bundle, id string, lack *Incomplete) {
	hosts, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	client, err := o.dial(hosts)
	if err != nil {
		lack.add("bootstrap host", err)
	} else {
		defer func() { _ = client.Close() }()
	}
	masters := &masters{o: o, b: b, via: client, slots: make(chan struct{}, atOnce)}
	masters.ask(hosts, o.Masters)
	if client != nil {
		o.fromBootstrap(hosts, b, client, id, lack)
	}
	if !b.has("resources/") {
		o.fromAPI(ctx, b, lack)
	}
	masters.report(hosts, lack)
}

// fromBootstrap copies the archive that the bootstrap host writes.
func (o Options) fromBootstrap(ctx context.Context, b *bundle, client *sshclient.Client, id string, lack *Incomplete) {
	event.ProgressOf(o.Sink, "gathering logs from the bootstrap host")
	stderr := &missingLines{sink: o.Sink}
	err := copyFrom(ctx, b, client, "sudo -n /usr/local/bin/installer-gather.sh --id "+id, nil, stderr, inner)
	lack.Missing = append(lack.Missing, stderr.lines()...)
	if err != nil {
		lack.add("the rest of the bootstrap host's archive", err)
	}
}

// copyFrom runs a command that writes an archive, and adds its files.
func copyFrom(
	ctx context.Context, b *bundle, client *sshclient.Client, command string, stdin io.Reader, stderr io.Writer,
	place func(string) (string, bool),
) error {
	reader, writer := io.Pipe()
	copied := make(chan error, 1)
	go func() {
		err := b.copyArchive(reader, place)
		// What follows must not block the session.
		_, _ = io.Copy(io.Discard, reader)
		copied <- err
	}()
	err := client.Feed(ctx, command, stdin, writer, stderr)
	_ = writer.CloseWithError(io.ErrUnexpectedEOF) // a complete archive has ended before
	return errors.Join(err, <-copied)
}

func (o Options) dial(ctx context.Context) (*sshclient.Client, error) {
	if len(o.Bootstrap) == 0 {
		return nil, errors.New("its address is not known; name it with --bootstrap")
	}
	return sshclient.DialAny(ctx, o.SSH, o.Port, o.Bootstrap)
}

// lists are what the installer asks the API for when no host could.
var lists = []kube.Kind{
	kube.Nodes, kube.Pods, kube.Events, kube.CSRs, kube.ClusterVersions, kube.ClusterOperators, kube.Etcds,
	{Group: "operator.openshift.io", Version: "v1", Plural: "kubeapiservers"},
}

func (o Options) fromAPI(ctx context.Context, b *bundle, lack *Incomplete) {
	if o.API == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, kind := range lists {
		raw, err := o.API.Raw(ctx, kind.Path(), nil)
		if err == nil {
			b.add("resources/"+kind.Plural+".json", raw)
			continue
		}
		lack.add("resources "+kind.Plural, err)
		if ctx.Err() != nil || !kube.Answered(err) && !b.has("resources/") {
			return // an API that does not answer once will not answer again
		}
	}
}

// askAPI notes whether the API answers here: the bootstrap host may have asked an API of its own.
func (o Options) askAPI(ctx context.Context, b *bundle) {
	if o.API == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer := struct {
		Asked time.Time `json:"asked"`
		Error string    `json:"error,omitempty"`
	}{Asked: o.Clock.Now().UTC()}
	if _, err := o.API.Raw(ctx, "/version", nil); err != nil {
		answer.Error = kube.Cause(err)
		b.logLine("the API does not answer the installer: " + answer.Error)
	}
	raw, err := json.MarshalIndent(answer, "", " ")
	if err == nil { // times and strings can always be encoded
		b.add("installer/api.json", raw)
	}
}

func (o Options) fromHere(b *bundle, path string, lack *Incomplete) {
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		lack.add("the installer's own file", err)
	default:
		b.add("installer/"+strings.TrimPrefix(filepath.Base(path), "."), raw)
	}
}
