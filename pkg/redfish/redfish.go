// Package redfish drives one BMC: power, virtual media and what boots next. What the specification leaves open,
// vendors do in their own ways; those are data in vendors.yaml, and docs/dev/baremetal.md says how they are tried.
//
// The resources are those of gofish. Requests are sent here, because its client has one context for its whole life,
// makes no new session and drops the headers of answers that it does not like.
package redfish

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	gofish "github.com/stmcginnis/gofish/redfish"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Options are what Connect needs. Host, Roots and InsecureSkipVerify may be empty.
type Options struct {
	Host     string // name of the host in install-config, for messages
	Address  Address
	Username string
	Password secret.String
	// Roots are the authorities that are trusted; nil for those of the system. Trust makes them.
	Roots *x509.CertPool
	// InsecureSkipVerify is disableCertificateVerification of the host. Nothing else may set it.
	InsecureSkipVerify bool
	Clock              clock.Clock
	Log                *slog.Logger
}

// BMC is a session with the BMC of one machine. Its methods may be called at the same time; requests are sent one
// after the other. Close ends the session.
type BMC struct {
	conn    *conn
	clock   clock.Clock
	log     *slog.Logger
	root    root
	system  string // path
	manager *manager
	vendors *vendors
	profile *profile
	drives  drives
}

// Connect logs in, and finds the system and what kind of BMC it has.
func Connect(ctx context.Context, o Options) (*BMC, error) {
	known, err := loadVendors()
	if err != nil {
		return nil, err
	}
	c, err := newConn(o, known.Busy)
	if err != nil {
		return nil, err
	}
	b := &BMC{conn: c, clock: o.Clock, log: c.log, vendors: known}
	if strings.HasPrefix(o.Address.Endpoint, "http:") {
		c.log.Warn("the login is sent to the BMC without encryption, because its address says +http")
	}
	if err := b.connect(ctx, o.Address.System); err != nil {
		_ = c.close(ctx) // what went wrong says more
		return nil, err
	}
	return b, nil
}

func (b *BMC) connect(ctx context.Context, system string) error {
	if err := b.conn.start(ctx); err != nil {
		return err
	}
	b.root = b.conn.root
	if b.root.Systems.ID == "" { // it wanted a login for that
		if _, err := b.conn.get(ctx, "read the service", rootPath, &b.root); err != nil {
			return err
		}
	}
	sys, err := b.find(ctx, system)
	if err != nil {
		return err
	}
	if b.manager, err = b.findManager(ctx, sys); err != nil {
		return err
	}
	b.profile = b.vendors.match(sys, b.manager, b.root.Vendor)
	b.log.Debug("connected to the BMC", "system", b.system, "vendor", sys.Manufacturer, "model", sys.Model,
		"manager", b.manager.Model, "firmware", b.manager.FirmwareVersion, "profile", b.profile.Name)
	return nil
}

// Close ends the session, also when ctx has ended. Calling it again does nothing.
func (b *BMC) Close(ctx context.Context) error { return b.conn.close(ctx) }

// System is the path of the system.
func (b *BMC) System() string { return b.system }

// Profile is the name of what the BMC is taken for.
func (b *BMC) Profile() string { return b.profile.Name }

// find sets and reads the system that the address names, or the only one.
func (b *BMC) find(ctx context.Context, path string) (*system, error) {
	const action = "find the system"
	if path != "" {
		sys, err := b.readAt(ctx, action, path)
		if !Is(err, NotFound) {
			b.system = path
			return sys, err
		}
		all, listErr := b.members(ctx, action, b.root.Systems.ID)
		if listErr != nil || len(all) == 0 {
			return nil, err
		}
		return nil, b.fail(action, &Error{Kind: NotFound, Status: http.StatusNotFound, Detail: path, Err: err,
			Advice: "end the BMC's address with the path of a system that it has: " + strings.Join(all, ", ")})
	}
	all, err := b.members(ctx, action, b.root.Systems.ID)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, b.fail(action, &Error{Kind: NotFound, Detail: "the BMC has none",
			Advice: "check that the machine is in its chassis, and that the BMC's user may see it"})
	case len(all) > 1:
		return nil, b.fail(action, &Error{Kind: NotFound, Detail: "the address names no system, and the BMC has several",
			Advice: "end the BMC's address with the path of the system: one of " + strings.Join(all, ", ")})
	}
	b.system = all[0]
	return b.readAt(ctx, action, b.system)
}

// maxMembers bounds the members of a collection that are read.
const maxMembers = 256

// members are the paths of what a collection holds, in its order.
func (b *BMC) members(ctx context.Context, action, path string) ([]string, error) {
	var paths []string
	for path != "" {
		var page struct {
			Members []link
			Next    string `json:"Members@odata.nextLink"`
		}
		if _, err := b.conn.get(ctx, action, path, &page); err != nil {
			return nil, err
		}
		for _, m := range page.Members {
			if m.ID != "" {
				paths = append(paths, m.ID)
			}
		}
		if len(page.Members) == 0 || len(paths) > maxMembers {
			break
		}
		path = page.Next
	}
	return paths[:min(len(paths), maxMembers)], nil
}

// system is what is needed of one, beyond what gofish has.
type system struct {
	gofish.ComputerSystem
	etag  string
	boot  map[string]json.RawMessage // all properties
	extra struct {
		Actions struct {
			Reset struct {
				Target  string
				Allowed []gofish.ResetType `json:"ResetType@Redfish.AllowableValues"`
			} `json:"#ComputerSystem.Reset"`
		}
		Boot struct {
			Targets     []gofish.BootSourceOverrideTarget  `json:"BootSourceOverrideTarget@Redfish.AllowableValues"`
			Enabled     []gofish.BootSourceOverrideEnabled `json:"BootSourceOverrideEnabled@Redfish.AllowableValues"`
			UefiTargets []string                           `json:"UefiTargetBootSourceOverride@Redfish.AllowableValues"`
			BootOptions link
		}
		Settings struct {
			SettingsObject link
		} `json:"@Redfish.Settings"`
		VirtualMedia       link
		EthernetInterfaces link
		Bios               link
		Links              struct{ ManagedBy []link }
	}
}

// UnmarshalJSON reads both parts.
func (s *system) UnmarshalJSON(b []byte) error {
	if err := s.ComputerSystem.UnmarshalJSON(b); err != nil {
		return err
	}
	var all struct{ Boot map[string]json.RawMessage }
	if err := unmarshal(b, &all); err != nil {
		return err
	}
	s.boot = all.Boot
	return unmarshal(b, &s.extra)
}

// read reads the system as it is now.
func (b *BMC) read(ctx context.Context, action string) (*system, error) {
	return b.readAt(ctx, action, b.system)
}

func (b *BMC) readAt(ctx context.Context, action, path string) (*system, error) {
	s := &system{}
	etag, err := b.conn.get(ctx, action, path, s)
	if err != nil {
		return nil, err
	}
	s.etag = etag
	return s, nil
}

// manager is the BMC as a resource.
type manager struct {
	gofish.Manager
	path  string
	extra struct {
		VirtualMedia link
		Actions      struct{ Oem map[string]oemAction }
	}
}

type oemAction struct {
	Target string `json:"target"`
}

// UnmarshalJSON reads both parts.
func (m *manager) UnmarshalJSON(b []byte) error {
	if err := m.Manager.UnmarshalJSON(b); err != nil {
		return err
	}
	return unmarshal(b, &m.extra)
}

// findManager reads the first manager of the system. A BMC without one is as if it had no properties.
func (b *BMC) findManager(ctx context.Context, sys *system) (*manager, error) {
	const action = "read the manager"
	paths := make([]string, 0, len(sys.extra.Links.ManagedBy))
	for _, l := range sys.extra.Links.ManagedBy {
		paths = append(paths, l.ID)
	}
	if len(paths) == 0 && b.root.Managers.ID != "" {
		all, err := b.members(ctx, action, b.root.Managers.ID)
		if err != nil && !Is(err, NotFound, Forbidden) {
			return nil, err
		}
		if len(all) == 1 { // of several, which one it is would be a guess
			paths = all
		}
	}
	if len(paths) == 0 {
		return &manager{}, nil
	}
	m := &manager{path: paths[0]}
	if _, err := b.conn.get(ctx, action, paths[0], m); err != nil {
		return nil, err
	}
	return m, nil
}

// fail completes an error about something that is not a single request.
func (b *BMC) fail(action string, e *Error) error { return b.conn.fail(request{action: action}, e) }
