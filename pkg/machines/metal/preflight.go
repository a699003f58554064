package metal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Preflight implements machines.Provider. It only reads.
func (p *Provider) Preflight(ctx context.Context, pl plan.Plan) (*report.Report, error) {
	if err := checkInfraID(pl.InfraID); err != nil {
		return nil, err
	}
	c := checker{Provider: p, r: report.New("install-config.yaml"), states: make([]State, len(p.hosts))}
	var looks sync.WaitGroup
	for i, h := range p.hosts {
		looks.Go(func() {
			err := p.with(ctx, h, func(ctx context.Context) error {
				c.states[i] = p.state(ctx, h, pl.InfraID)
				return nil
			})
			if err != nil {
				c.states[i].Err = err
			}
		})
	}
	looks.Wait()
	if ctx.Err() != nil {
		return c.r, context.Cause(ctx)
	}
	for i, h := range p.hosts {
		c.host(ctx, h, c.states[i])
	}
	c.same()
	return c.r, c.media(ctx)
}

type checker struct {
	*Provider
	r      *report.Report
	states []State
}

// at is a host in install-config.yaml.
func (c *checker) at(h *host) report.Field {
	return c.r.Field(hostsField).Index(h.Index)
}

func (c *checker) host(ctx context.Context, h *host, s State) {
	at := c.at(h)
	if s.Err != nil {
		c.unanswered(at, h, s.Err)
		return
	}
	if len(h.known.Slots) == 0 {
		at.Child("bmc", "address").Invalid(h.BMC.Address, "host %s: %s", h.Name, strings.Join(h.known.Hints, "; "))
	}
	if why := h.noHTTPS(); why != "" && c.choosesScheme() {
		_, listen, err := c.listenFor(ctx, h)
		if err == nil {
			err = plainOnly(h, listen, why)
		}
		at.Child("bmc", "address").Invalid(h.BMC.Address, "%v; %s", err, exit.Next(err))
	}
	if len(h.known.MACs) == 0 && h.BootMACAddress != "" {
		at.Child("bootMACAddress").Warn(h.BootMACAddress, "the BMC of host %s (%s) lists no network cards, as many do "+
			"while a host is off; whether this is the right machine is seen when it registers", h.Name, h.BMC.Address)
	}
	if mode := h.mode(); !sameMode(h.known.BootMode, mode) {
		at.Child("bootMode").Invalid(h.BootMode,
			"the firmware of host %s boots in mode %s; change it there, or bootMode here", h.Name, h.known.BootMode)
	}
	if s.On() && s.Medium != Ours && !c.TakeRunning {
		err := runs(h, s)
		at.Child("bmc", "address").Invalid(h.BMC.Address, "%v; %s", err, exit.Next(err))
	}
	if s.Medium == Other {
		at.Child("bmc", "address").Warn(h.BMC.Address, "host %s has a medium, %s, which is taken out for that of the cluster",
			h.Name, s.Image)
	}
}

// sameMode reports whether a firmware's setting is the mode, or does not say.
func sameMode(is string, want redfish.BootMode) bool {
	is = strings.ToLower(is)
	switch {
	case strings.Contains(is, "uefi"):
		return want == redfish.UEFI
	case strings.Contains(is, "legacy"), strings.Contains(is, "bios"):
		return want == redfish.Legacy
	}
	return true
}

// unanswered is about a host of which nothing could be read.
func (c *checker) unanswered(at report.Field, h *host, err error) {
	field, value := at.Child("bmc", "address"), any(h.BMC.Address)
	switch {
	case redfish.Is(err, redfish.BadLogin, redfish.Forbidden):
		field, value = at.Child("bmc", "username"), h.BMC.Username
	case redfish.Is(err, redfish.UntrustedCA):
		field, value = at.Child("bmc", "disableCertificateVerification"), h.BMC.DisableCertificateVerification
	}
	text := err.Error()
	if next := exit.Next(err); next != "" {
		text += "; " + next
	}
	field.Invalid(value, "%s", text)
}

// same finds hosts that are the same machine, by its UUID and the addresses of its cards: vendors ship boards with the
// same UUID. Cards that a BMC does not list prove nothing.
func (c *checker) same() {
	for i, s := range c.states {
		for j, other := range c.states[:i] {
			if s.Err != nil || other.Err != nil || s.UUID == "" || s.UUID != other.UUID {
				continue
			}
			common := slices.ContainsFunc(s.MACs, func(mac string) bool { return slices.Contains(other.MACs, mac) })
			if !common && len(s.MACs) > 0 && len(other.MACs) > 0 {
				continue
			}
			c.at(c.hosts[i]).Child("bmc", "address").Duplicate(c.hosts[i].BMC.Address,
				"host %s is the same machine as host %s: the systems of both BMCs have UUID %s", c.hosts[i].Name,
				c.hosts[j].Name, s.UUID)
		}
	}
}

// mediaLimit bounds the look at the server of the user.
const mediaLimit = 20 * time.Second

// media looks whether media can be served, or are.
func (c *checker) media(ctx context.Context) error {
	if c.Media.URL == "" {
		return checkMediaAddress(ctx, c.Media.Address)
	}
	ctx, cancel := context.WithTimeout(ctx, mediaLimit)
	defer cancel()
	shown := secret.URL(c.Media.URL)
	next := "check --media-url; the BMCs must reach it, with HEAD and ranges"
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.Media.URL, nil)
	if err != nil {
		return exit.New(next, "media URL %s: it is no URL", shown)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil { // this machine may be elsewhere than the BMCs
		c.r.Field(hostsField).Warn(shown,
			"the medium cannot be read from this machine: %v", secret.WithoutURL(err))
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return exit.With(exit.Infrastructure, next, fmt.Errorf("media URL %s: HTTP status %d", shown, resp.StatusCode))
	}
	return nil
}
