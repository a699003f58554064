package bmc

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/pki"
)

// FaultPrefix is what the names of a controller's faults begin with.
const FaultPrefix = "bmc-"

// FaultHelp lists the faults.
const FaultHelp = "bmc-slow=5s, bmc-slow-power=1m, bmc-stuck-power, bmc-errors=3:503, bmc-drop=3, bmc-lost=1, " +
	"bmc-off, bmc-session-limit, bmc-expire-sessions, bmc-etag=2, bmc-strong-etags, bmc-wrong-certificate, " +
	"bmc-ignore-once, bmc-media-unreachable, bmc-ejected"

// count is how often something is still to happen.
type count int

func (n *count) take() bool {
	if *n <= 0 {
		return false
	}
	*n--
	return true
}

// faults are what is wrong with a controller.
type faults struct {
	slow, slowPower  time.Duration
	stuckPower, off  bool
	errors           count // answers with status
	status           int
	drop, lost       count // requests that are not answered, not done or done
	sessionLimit     bool
	etags            count // conditions that are not met
	strongTags       bool
	wrongCertificate bool
	ignoreOnce       bool
	mediaUnreachable bool
	named            []string
}

// trouble is what is wrong with the answer to one request.
type trouble struct {
	slow       time.Duration
	drop, lost bool
	status     int
}

// trouble takes what is wrong with the next answer. Requests that change something are
// the ones whose answers are lost.
func (b *BMC) trouble(r *http.Request) (t trouble) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := &b.faults
	t.slow = f.slow
	switch {
	case f.off || f.drop.take():
		t.drop = true
	case f.errors.take():
		t.status = f.status
	case r.Method != http.MethodGet && r.Method != http.MethodHead && f.lost.take():
		t.lost = true
	}
	return t
}

// Faults are those that were added and not mended, some of which may be over.
func (b *BMC) Faults() (list []string) {
	b.locked(func() { list = slices.Clone(b.faults.named) })
	return list
}

// Mend ends all faults.
func (b *BMC) Mend() { b.locked(func() { b.faults = faults{} }) }

// Break adds a fault, written as in FaultHelp.
func (b *BMC) Break(ctx context.Context, text string) error {
	name, value, valued := strings.Cut(strings.TrimPrefix(text, FaultPrefix), "=")
	refuse := fmt.Errorf("fault %q: use one of %s", text, FaultHelp)
	if !strings.HasPrefix(text, FaultPrefix) {
		return refuse
	}
	if name == "ejected" && !valued {
		return b.loseMedium(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := &b.faults
	switches := map[string]*bool{
		"stuck-power": &f.stuckPower, "off": &f.off, "session-limit": &f.sessionLimit, "strong-etags": &f.strongTags,
		"wrong-certificate": &f.wrongCertificate, "ignore-once": &f.ignoreOnce, "media-unreachable": &f.mediaUnreachable,
	}
	durations := map[string]*time.Duration{"slow": &f.slow, "slow-power": &f.slowPower}
	counts := map[string]*count{"errors": &f.errors, "drop": &f.drop, "lost": &f.lost, "etag": &f.etags}
	switch {
	case name == "expire-sessions" && !valued:
		b.sessions.list = nil
		return nil
	case switches[name] != nil && !valued:
		*switches[name] = true
	case durations[name] != nil:
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 || d > time.Hour {
			return refuse
		}
		*durations[name] = d
	case counts[name] != nil:
		number, status, hasStatus := strings.Cut(value, ":")
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n == 0 || (hasStatus && name != "errors") {
			return refuse
		}
		if name == "errors" {
			f.status = http.StatusInternalServerError
			if hasStatus {
				if f.status, err = strconv.Atoi(status); err != nil || f.status < 500 || f.status > 599 {
					return refuse
				}
			}
		}
		*counts[name] = count(n)
	default:
		return refuse
	}
	f.named = append(slices.DeleteFunc(f.named, func(s string) bool {
		other, _, _ := strings.Cut(strings.TrimPrefix(s, FaultPrefix), "=")
		return other == name
	}), text)
	return nil
}

// loseMedium ejects the medium although nobody wants it.
func (b *BMC) loseMedium(ctx context.Context) error {
	if !b.cfg.Host.Medium().Inserted {
		return fmt.Errorf("fault %sejected: there is no medium in the drive", FaultPrefix)
	}
	if err := b.cfg.Host.Eject(ctx); err != nil {
		return err
	}
	b.emit("ResourceUpdated", "ResourceEvent.1.0.ResourceChanged", "Virtual media was lost.", mediaCollections(b.p)[0])
	return nil
}

// TLS is the configuration of the controller's server: that of a good one, or with a
// certificate of somebody else while that is its fault.
func (b *BMC) TLS(good *tls.Config) (*tls.Config, error) {
	now := b.now()
	ca, err := certs.NewAuthority(now, pki.Name{Common: "factory default"}, pki.Year)
	if err != nil {
		return nil, err
	}
	bad, err := certs.ServerConfig(ca, now, []string{"bmc.factory.invalid"}, nil)
	if err != nil {
		return nil, err
	}
	c := good.Clone()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.faults.wrongCertificate {
			return bad, nil
		}
		return good, nil
	}
	return c, nil
}
