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

// source is a URL from which a BMC can fetch the medium.
type source struct {
	scheme string
	url    string
}

// sources are those of a host, the best first.
func (p *Provider) sources(ctx context.Context, s *media.Server, h *host, infraID, bmc string) ([]source, error) {
	if s == nil {
		return []source{{url: p.Media.URL}}, nil
	}
	schemes, at, err := listenAt(ctx, p.Media.Address, bmc)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", h.Name, err)
	}
	var out []source
	for i, scheme := range schemes {
		on := at
		if i > 0 { // another port than that which was named
			on = netip.AddrPortFrom(at.Addr(), 0)
		}
		u, err := s.URL(scheme, on, mediumName(infraID, h.Name))
		if err != nil {
			return nil, exit.With(exit.Infrastructure, "name another address of this machine with --media-address", err)
		}
		out = append(out, source{scheme, u})
	}
	return out, nil
}

// listenAt reads the address at which media are served, which may begin with a scheme.
func listenAt(ctx context.Context, address, bmc string) (schemes []string, at netip.AddrPort, err error) {
	schemes = []string{"https", "http"}
	for _, scheme := range schemes {
		if rest, fixed := strings.CutPrefix(address, scheme+"://"); fixed {
			schemes, address = []string{scheme}, rest
			break
		}
	}
	switch ip, ipErr := netip.ParseAddr(strings.Trim(address, "[]")); {
	case address == "":
		ip, err = media.Address(ctx, bmc)
		return schemes, netip.AddrPortFrom(ip, 0), err
	case ipErr == nil:
		return schemes, netip.AddrPortFrom(ip, 0), nil
	}
	if at, err = netip.ParseAddrPort(address); err != nil {
		return nil, at, exit.New("write it like 192.0.2.1, 192.0.2.1:8443 or https://[2001:db8::1]:8443",
			"media address %q: it is no IP address of this machine", address)
	}
	return schemes, at, nil
}

// checkMediaAddress reports what is wrong with an address at which media are to be served.
func checkMediaAddress(ctx context.Context, address string) error {
	if address == "" {
		return nil
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
