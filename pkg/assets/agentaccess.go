package assets

import (
	"net/netip"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/secret"
)

// What the hosts of an agent-based installation and its watchers prove themselves with.

// AgentLife is how long an image can be used. It is short because everyone who has the image
// can register as a host. It is longer than a working day because images are carried to hosts.
const AgentLife = 72 * time.Hour

// agentDay is the life of the certificates that the cluster renews soon after it is up. Those
// of other installations are used within minutes; these have to last until the hosts have
// been booted.
const agentDay = AgentLife + pki.Day

// slowClock is how far behind the clock of a host may be before the first time server corrects
// it: many boards keep local time.
const slowClock = pki.Day

// AgentGeneration is raised to draw everything here anew.
var AgentGeneration = asset.Param[int]("agent-generation")

// AgentCA signs the certificate of the rendezvous host's service, for one installation.
var AgentCA = asset.From2("tls/agent-ca", AgentGeneration, InfraID,
	func(env asset.Env, _ int, infraID string) (pki.Pair, error) {
		name := pki.Name{Common: "agent-ca " + infraID, Unit: "okd-install"}
		return pki.NewAuthority(env.Now.Add(-slowClock), name, pki.Year)
	})

// AgentService is the certificate of that service.
var AgentService = asset.From2("tls/agent-service", AgentCA, RendezvousIP,
	func(env asset.Env, ca pki.Pair, ip netip.Addr) (pki.Pair, error) {
		return ca.Issue(env.Now, pki.Leaf{
			Name: pki.Name{Common: "okd-agent"}, Life: pki.Year / 2, Usage: pki.Server, IPs: []netip.Addr{ip},
		})
	})

// agentTokens are what hosts and watchers send with each request.
type agentTokens struct {
	Agent   string    `json:"agent"`
	Watcher string    `json:"watcher"`
	Expires time.Time `json:"expires"`
}

// Stale makes new tokens for an image if the old ones have lived for more than half of their life.
func (t agentTokens) Stale(now time.Time) string {
	if now.After(t.Expires.Add(-AgentLife / 2)) {
		return "expires at " + t.Expires.Format(time.RFC3339)
	}
	return ""
}

const (
	tokenChars  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	tokenLength = 43 // 256 bits
)

var tokens = asset.From2("agent-tokens", AgentGeneration, InfraID,
	func(env asset.Env, _ int, _ string) (t agentTokens, err error) {
		t.Expires = env.Now.UTC().Add(AgentLife).Truncate(time.Second)
		if t.Agent, err = pki.RandomText(tokenChars, tokenLength); err == nil {
			t.Watcher, err = pki.RandomText(tokenChars, tokenLength)
		}
		return t, err
	})

// imageName is what disks are marked with that complete an installation. It outlives the tokens, so
// that a later image of the directory knows what an earlier one has installed.
var imageName = asset.From2("agent-image-name", AgentGeneration, InfraID,
	func(asset.Env, int, string) (string, error) {
		const length = 20 // 119 bits
		return pki.RandomText(tokenChars, length)
	})

// agentAccess is all of it.
type agentAccess struct {
	CA, Certificate, Key string
	Agent, Watcher       secret.String
	Expires              time.Time
}

// Canonical is for hashing.
func (a agentAccess) Canonical() []byte {
	return []byte(a.CA + a.Certificate + a.Key + a.Agent.Reveal() + " " + a.Watcher.Reveal() + a.Expires.String())
}

// access ends with the first of the tokens and of the certificates that the bootstrap needs.
var access = asset.From6("agent-access", AgentCA, AgentService, tokens, KubeletSigner, AggregatorSigner, AggregatorCA,
	func(_ asset.Env, ca, service pki.Pair, t agentTokens, one, two, three pki.Pair) (agentAccess, error) {
		a := agentAccess{
			CA: string(ca.Cert), Certificate: string(service.Cert), Key: string(service.Key),
			Agent: secret.New(t.Agent), Watcher: secret.New(t.Watcher), Expires: t.Expires,
		}
		for _, signer := range []pki.Pair{one, two, three} {
			if end := signer.Expires(); end.Before(a.Expires) {
				a.Expires = end.UTC()
			}
		}
		return a, nil
	}, asset.Transient())

// WatcherAccess is what agent wait-for needs to ask the rendezvous host.
type WatcherAccess struct {
	Rendezvous netip.Addr
	CA         string // PEM
	Token      secret.String
	Expires    time.Time
}

// StoredWatcher is the access of the last image. It fails with fs.ErrNotExist if none was made.
func StoredWatcher(dir string, key *seal.Key) (w WatcherAccess, err error) {
	ip, err := asset.Stored(dir, key, RendezvousIP)
	if err != nil {
		return w, err
	}
	ca, err := asset.Stored(dir, key, AgentCA)
	if err != nil {
		return w, err
	}
	t, err := asset.Stored(dir, key, tokens)
	return WatcherAccess{Rendezvous: ip, CA: string(ca.Cert), Token: secret.New(t.Watcher), Expires: t.Expires}, err
}
