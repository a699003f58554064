package diagnose

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

// BootstrapLogin is how to log in to the bootstrap host, whose keys the installation has made.
func BootstrapLogin(made pki.SSHKeys) sshclient.Config {
	return sshclient.Config{Keys: [][]byte{made.User.PrivatePEM}, HostKey: made.Host.AuthorizedKey}
}

// logins says in o how to log in to the hosts: to the bootstrap host with the key
// that the installation made for it, to the masters with the private half of the
// install-config's sshKey, to both with what files and the user's agent hold.
func logins(
	ctx context.Context, e *install.Env, o *gather.Options, made pki.SSHKeys, sshKey string, files []string,
) error {
	lineEnd := func(r rune) bool { return r == '\n' || r == '\r' }
	search := sshclient.Search{Wanted: strings.FieldsFunc(sshKey, lineEnd), Files: files}
	var known []string
	if home := e.Getenv("HOME"); home != "" {
		search.Dir = filepath.Join(home, ".ssh")
		known = []string{filepath.Join(home, ".ssh", "known_hosts")}
	}
	if agent := sshclient.UserAgent(ctx, e.Getenv); agent != nil {
		search.Agent = agent
	}
	found, err := search.Find()
	if err != nil {
		return err
	}
	unknown := func(say func(event.Sink, string, ...any)) func(addr, fingerprint string) error {
		// What comes back is only read, and nothing is lent to the host.
		return func(addr, fingerprint string) error {
			say(e.Sink, "The key of host "+addr+" ("+fingerprint+") is not known; it is trusted to be the host's")
			return nil
		}
	}
	o.NoKey = found.Missing
	o.MasterSSH = sshclient.Config{
		Keys: found.Keys, Agent: search.Agent, Wanted: search.Wanted, KnownHosts: known, Unknown: unknown(event.Debug),
	}
	o.SSH = o.MasterSSH
	o.SSH.HostKey = made.Host.AuthorizedKey
	o.SSH.Unknown = unknown(event.Warn)
	if own := made.User; len(own.PrivatePEM) > 0 {
		o.SSH.Keys = append([][]byte{own.PrivatePEM}, found.Keys...)
		o.SSH.Wanted = append([]string{own.AuthorizedKey}, search.Wanted...)
	}
	return nil
}
