package metal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/media"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/secret"
)

// mediumName is the name of a host's medium. It is the mark by which a medium is known to be the cluster's.
func mediumName(infraID, host string) string { return infraID + "-" + host + ".iso" }

// kind is what a medium is to the cluster, by what the BMC shows of it.
func (r *Rack) kind(infraID string, h *host, s redfish.Slot) Medium {
	switch {
	case !s.Inserted:
		return NoMedium
	case s.Name == mediumName(infraID, h.Name), r.Media.URL != "" && s.Image == secret.URL(r.Media.URL):
		return Ours
	case s.Name != "" && !h.inserted:
		return Other
	case h.inserted && (s.Name == "" || r.Media.URL != "" && s.Name == fileName(r.Media.URL)): // and nobody has changed it
		return Ours
	case s.Name == "":
		return Unknown
	}
	return Other
}

// fileName is the last part of the path of a URL.
func fileName(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

// serve fetches the file of the medium, and serves it unless the user does.
func (p *Provider) serve(ctx context.Context, pl plan.Plan) (*media.Server, error) {
	if p.Media.URL != "" {
		return nil, nil
	}
	p.serving.Lock()
	defer p.serving.Unlock()
	if p.server != nil {
		return p.server, nil
	}
	if p.Fetch == nil {
		return nil, errors.New("serve media: no image")
	}
	var image plan.Image
	for _, o := range pl.Of(plan.KindMedium) {
		if spec, is := o.Spec.(plan.Medium); is {
			image = spec.Image
		}
	}
	image, err := p.Fetch(ctx, image)
	if err != nil {
		return nil, err
	}
	s, err := media.Serve(media.Options{File: image.Path, Clock: p.Clock, Log: p.Log, Hide: p.Hide})
	if err != nil {
		return nil, err
	}
	p.server = s
	return s, nil
}

func (r *Rack) stopServing() error {
	r.serving.Lock()
	defer r.serving.Unlock()
	s := r.server
	r.server = nil
	if s == nil {
		return nil
	}
	return s.Close()
}

// source is the URL from which the BMC of a host fetches the medium.
func (p *Provider) source(ctx context.Context, s *media.Server, h *host, infraID string) (string, error) {
	if s == nil {
		return p.Media.URL, nil
	}
	scheme, at, err := p.listenFor(ctx, h)
	if err != nil {
		return "", err
	}
	if why := h.noHTTPS(); why != "" && p.choosesScheme() {
		return "", plainOnly(h, at, why)
	}
	u, err := s.URL(scheme, at, mediumName(infraID, h.Name))
	if err != nil {
		return "", exit.With(exit.Infrastructure, "name another address of this machine with --media-address",
			fmt.Errorf("host %s (BMC %s): %w", h.Name, h.BMC.Address, err))
	}
	return u, nil
}

// noHTTPS is why the BMC reads no media from here over HTTPS, empty if it does not say so. The host has been inspected.
func (h *host) noHTTPS() string {
	var why []string
	for _, s := range h.known.Slots {
		if s.NoHTTPS == "" {
			return ""
		}
		why = append(why, s.NoHTTPS)
	}
	return strings.Join(why, "; ")
}

// choosesScheme reports whether the user has left it to us how media are served.
func (r *Rack) choosesScheme() bool {
	return r.Media.URL == "" && !strings.Contains(r.Media.Address, "://")
}

// plainOnly says that a BMC needs media without encryption, which only the user can allow.
func plainOnly(h *host, at netip.AddrPort, why string) error {
	return exit.With(exit.Infrastructure, plainStep(at), fmt.Errorf(
		"host %s (BMC %s): it cannot read the image over HTTPS from here: %s", h.Name, h.BMC.Address, why))
}

// plainStep is how the user allows it.
func plainStep(at netip.AddrPort) string {
	where := at.String()
	if at.Port() == 0 { // any
		where = strings.TrimSuffix(where, ":0")
	}
	return "put the image on a server whose certificate the BMC trusts, with --media-url; or run the same command with " +
		"--media-address http://" + where + " if the image, which has secrets of the cluster, may cross the network in " +
		"between without encryption"
}

// listenFor is where the medium of a host is served.
func (p *Provider) listenFor(ctx context.Context, h *host) (scheme string, at netip.AddrPort, err error) {
	bmc, err := redfish.Parse(h.BMC.Address)
	if err == nil {
		scheme, at, err = listenAt(ctx, p.Media.Address, bmc.Host())
	}
	if err != nil {
		return "", at, exit.With(exit.Infrastructure, "name an address of this machine that the BMC reaches with "+
			"--media-address", fmt.Errorf("host %s (BMC %s): %w", h.Name, h.BMC.Address, err))
	}
	return scheme, at, nil
}

// listenAt reads the address at which media are served, which may begin with a scheme. Without one it is HTTPS: the
// image has secrets of the cluster.
func listenAt(ctx context.Context, address, bmc string) (scheme string, at netip.AddrPort, err error) {
	scheme, rest, fixed := strings.Cut(address, "://")
	switch {
	case !fixed:
		scheme, rest = "https", address
	case scheme != "https" && scheme != "http":
		return "", at, badAddress(address)
	}
	switch ip, ipErr := netip.ParseAddr(strings.Trim(rest, "[]")); {
	case rest == "":
		ip, err = media.Address(ctx, bmc)
		return scheme, netip.AddrPortFrom(ip, 0), err
	case ipErr == nil:
		return scheme, netip.AddrPortFrom(ip, 0), nil
	}
	if at, err = netip.ParseAddrPort(rest); err != nil {
		return "", at, badAddress(address)
	}
	return scheme, at, nil
}

func badAddress(address string) error {
	return exit.New("write it like 192.0.2.1, 192.0.2.1:8443 or http://[2001:db8::1]:8080",
		"media address %q: it is no IP address of this machine", address)
}

// checkMediaAddress reports what is wrong with an address at which media are to be served.
func checkMediaAddress(ctx context.Context, address string) error {
	if address == "" || address == "https://" || address == "http://" {
		return nil // for each BMC that by which it is reached
	}
	_, at, err := listenAt(ctx, address, "")
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", netip.AddrPortFrom(at.Addr(), 0).String())
	if err != nil {
		return exit.New("name an address that `ip address` shows on this machine", "media address %s: %w", address, err)
	}
	return l.Close()
}

// hide keeps what may be secret in the user's URL out of everything that is logged.
func (r *Rack) hideURL() {
	if r.Media.URL != "" {
		r.Hide(secret.InURL(r.Media.URL)...)
	}
}
