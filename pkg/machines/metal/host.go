package metal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// host is a host and the session with its BMC.
type host struct {
	Host
	rack *Rack

	turn chan struct{} // held while something is done with the host
	// These belong to the holder of turn.
	bmc   *redfish.BMC      // nil without a session
	known *redfish.Hardware // as it was when the session was made first
	// inserted: this run has put the medium into it, so that one which the BMC does not name is ours.
	inserted bool
	proved   string // UUID of the system, if it was proved to be the cluster's
	// started: this run has started it from the medium.
	started bool
	read    int64 // bytes of the medium, when that was looked at last
}

// logins are those that BMCs have refused: they lock accounts, so that none is sent again. One host at a time logs in
// to a BMC, because several hosts may share it.
type logins struct {
	mu      sync.Mutex
	turns   map[string]*sync.Mutex // by endpoint
	refused map[string]error       // by endpoint, user and password
}

func (l *logins) turn(endpoint string) *sync.Mutex {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turns == nil {
		l.turns, l.refused = map[string]*sync.Mutex{}, map[string]error{}
	}
	if l.turns[endpoint] == nil {
		l.turns[endpoint] = &sync.Mutex{}
	}
	return l.turns[endpoint]
}

// once runs a login unless the same one has been refused.
func (l *logins) once(endpoint, user string, password secret.String, login func() error) error {
	turn := l.turn(endpoint)
	turn.Lock()
	defer turn.Unlock()
	key := strings.Join([]string{endpoint, user, password.Reveal()}, "\x00")
	l.mu.Lock()
	refused := l.refused[key]
	l.mu.Unlock()
	if refused != nil {
		return refused
	}
	err := login()
	if redfish.Is(err, redfish.BadLogin) {
		l.mu.Lock()
		l.refused[key] = err
		l.mu.Unlock()
	}
	return err
}

func (r *Rack) find(name string) (*host, error) {
	i := slices.IndexFunc(r.hosts, func(h *host) bool { return h.Name == name })
	if i < 0 {
		return nil, exit.New("use a name that is among the hosts of install-config.yaml",
			"host %s: it is not among the hosts with a BMC", name)
	}
	return r.hosts[i], nil
}

// with does something with a host, while nothing else is done with it and not too much with others.
func (r *Rack) with(ctx context.Context, h *host, do func(context.Context) error) error {
	for _, gate := range []chan struct{}{h.turn, r.slots} {
		select {
		case gate <- struct{}{}:
			defer func() { <-gate }()
		case <-ctx.Done():
			return fmt.Errorf("host %s: %w", h.Name, context.Cause(ctx))
		}
	}
	return do(ctx)
}

// session logs in, unless that is done, and makes sure that the BMC is that of the host.
func (h *host) session(ctx context.Context) (*redfish.BMC, error) {
	if h.bmc != nil {
		return h.bmc, nil
	}
	address, err := redfish.Parse(h.BMC.Address)
	if err != nil {
		return nil, exit.With(exit.Infrastructure, "correct bmc.address of the host in install-config.yaml",
			fmt.Errorf("host %s: %w", h.Name, err))
	}
	roots, err := h.rack.roots()
	if err != nil {
		return nil, exit.With(exit.Infrastructure, "mend bmcVerifyCA in install-config.yaml or metadata.json",
			fmt.Errorf("host %s (BMC %s): %w", h.Name, h.BMC.Address, err))
	}
	var bmc *redfish.BMC
	err = h.rack.logins.once(address.Endpoint, h.BMC.Username, h.BMC.Password, func() (err error) {
		bmc, err = redfish.Connect(ctx, redfish.Options{
			Host: h.Name, Address: address, Username: h.BMC.Username, Password: h.BMC.Password, Roots: roots,
			InsecureSkipVerify: h.BMC.DisableCertificateVerification, Clock: h.rack.Clock, Log: h.rack.Log,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	known, err := bmc.Inspect(ctx)
	if err == nil {
		err = h.is(known)
	}
	if err != nil {
		return nil, errors.Join(err, bmc.Close(ctx))
	}
	h.bmc, h.known = bmc, known
	return bmc, nil
}

// is compares a machine with what is known of the host: a wrong address must not harm somebody else's machine.
func (h *host) is(found *redfish.Hardware) error {
	boot := values.PlainMAC(h.BootMACAddress)
	switch {
	case h.UUID != "" && found.UUID != "" && !strings.EqualFold(h.UUID, found.UUID):
		return exit.With(exit.Infrastructure, "check the address of the BMC; if the host has another board now, look after "+
			"it by hand", fmt.Errorf("host %s (BMC %s): the BMC is that of another machine: its system has UUID %s, the host "+
			"has %s", h.Name, h.BMC.Address, found.UUID, h.UUID))
	case boot != "" && len(found.MACs) > 0 && !slices.Contains(found.MACs, boot):
		return exit.With(exit.Infrastructure, "correct the address of the BMC; or, if the machine is the right one, set "+
			"bootMACAddress to one of those that the BMC lists", fmt.Errorf("host %s (BMC %s): the BMC is that of another "+
			"machine, or bootMACAddress is wrong: the BMC lists %s, and not %s",
			h.Name, h.BMC.Address, strings.Join(found.MACs, ", "), boot))
	}
	return nil
}

// end closes the session.
func (h *host) end(ctx context.Context) error {
	if h.bmc == nil {
		return nil
	}
	err := h.bmc.Close(ctx)
	h.bmc = nil
	return err
}

// Close ends the sessions and stops the server of the media. The rack can be used again.
func (r *Rack) Close(ctx context.Context) error {
	errs := make([]error, len(r.hosts))
	var ends sync.WaitGroup
	for i, h := range r.hosts {
		ends.Go(func() { errs[i] = r.with(ctx, h, h.end) })
	}
	ends.Wait()
	return errors.Join(errors.Join(errs...), r.stopServing())
}
