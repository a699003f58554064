// Package service is the service of the rendezvous host: hosts register with it, and it
// decides what each becomes and when. All that it knows is in one file, which is replaced
// before an answer goes out that depends on it.
package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
)

// StateFile is the name of the file in the directory of the service.
const StateFile = "service.json"

const (
	// maxEvents is how many events are kept.
	maxEvents = 100
	// forgotten is how long a host must have been silent before it stops counting while
	// there are more hosts than the cluster needs.
	forgotten = 2 * agent.Silence
	// watcherGrace is how long the rendezvous host waits for a watcher to fetch the logs.
	watcherGrace = 20 * time.Second
)

// Service decides. Its methods may be called at the same time.
type Service struct {
	cfg   *agent.Config
	dir   string
	clock clock.Clock

	mu    sync.Mutex
	state state
	saved []byte // what the file holds, without times of contact
	// Contact of watchers; not worth keeping.
	watched, fetched time.Time
	// heldSince is when the rendezvous host could have rebooted.
	heldSince time.Time
	started   time.Time
	// standing is the cluster that was there before the orders, as it answered last.
	standing *Standing
}

// state is what the file holds.
type state struct {
	// Hosts in the order in which they registered.
	Hosts  []*host       `json:"hosts"`
	Begun  bool          `json:"begun"` // orders have been given
	Events []agent.Event `json:"events,omitempty"`
	// Cluster is what the rendezvous host said last.
	Cluster Cluster `json:"cluster"`
	// Since is when the service began with nothing.
	Since time.Time `json:"since"`
	// Resumed: the cluster had taken over before the service began. What is left is installed.
	Resumed bool `json:"resumed,omitempty"`
	// LeftOut are the workers that the installation goes on without, by the names in the config.
	LeftOut []string `json:"leftOut,omitempty"`
}

// host is what is known of one host.
type host struct {
	ID     string       `json:"id"`
	Report agent.Report `json:"report"`
	// Boots are the last ones before that of Report.
	Boots []string `json:"boots,omitempty"`
	// Stage is that of the report, or Joined.
	Stage agent.Stage `json:"stage"`
	Since time.Time   `json:"since"` // of the stage
	// Blocked has the checks that block, with the time since when they do.
	Blocked  map[string]time.Time `json:"blocked,omitempty"`
	Role     string               `json:"role,omitempty"`
	Hostname string               `json:"hostname,omitempty"`
	// Order is never taken back.
	Order agent.Action `json:"order,omitempty"`
	// Problem is what the service found wrong with the host.
	Problem *agent.Problem `json:"problem,omitempty"`
	// Stray: the problem is that it belongs to a cluster that is there already.
	Stray bool `json:"stray,omitempty"`
	// Returned: it booted the live system again although its disk was written.
	Returned bool `json:"returned,omitempty"`
	// Logs is when the host's logs came.
	Logs time.Time `json:"logs,omitzero"`
	// Rendezvous: it has the rendezvous address, or had it when the orders were given.
	Rendezvous bool `json:"rendezvous,omitempty"`
	// Clash is when another machine last reported with the same id.
	Clash time.Time `json:"clash,omitzero"`

	Heard time.Time `json:"heard"`
}

// Cluster is what the rendezvous host knows of the bootstrap and of the cluster's API.
type Cluster struct {
	// Stages of the bootstrap that are done, and the present one.
	Stages []string `json:"stages,omitempty"`
	// Present is the present stage in words.
	Present string `json:"present,omitempty"`
	// Bootkube and Progress are done. Together they mean that the etcd member of the
	// bootstrap has been removed.
	Bootkube bool   `json:"bootkube,omitempty"`
	Progress bool   `json:"progress,omitempty"`
	Nodes    []Node `json:"nodes,omitempty"`
	// Problem of the bootstrap, which goes on trying.
	Problem *agent.Problem `json:"problem,omitempty"`
}

// Node is a node of the cluster.
type Node struct {
	Name      string   `json:"name"`
	Ready     bool     `json:"ready"`
	Addresses []string `json:"addresses,omitempty"`
}

// New reads the state in dir, or begins with an empty one.
func New(cfg *agent.Config, dir string, clk clock.Clock) (*Service, error) {
	s := &Service{cfg: cfg, dir: dir, clock: clk, started: clk.Now()}
	if err := os.MkdirAll(filepath.Join(dir, logsDir), 0o700); err != nil {
		return nil, fmt.Errorf("directory of the service: %w", err)
	}
	raw, err := os.ReadFile(s.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.state.Since = s.started.UTC()
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("read the state of the service: %w", err)
	}
	if err := json.Unmarshal(raw, &s.state); err != nil {
		return nil, fmt.Errorf("read the state of the service in %s: %w", s.file(), err)
	}
	for _, h := range s.state.Hosts {
		h.Heard = s.started // nobody could report while there was no service
	}
	for i := range s.state.Cluster.Nodes {
		s.state.Cluster.Nodes[i].Ready = false // until the API has said so again
	}
	s.saved, err = s.state.lasting()
	return s, err
}

func (s *Service) file() string { return filepath.Join(s.dir, StateFile) }

// lasting is the state without what changes with every report.
func (st *state) lasting() ([]byte, error) {
	short := *st
	short.Hosts = make([]*host, len(st.Hosts))
	for i, h := range st.Hosts {
		c := *h
		c.Heard, c.Report.Time, c.Report.Doing, c.Report.Percent = time.Time{}, time.Time{}, "", 0
		short.Hosts[i] = &c
	}
	return json.Marshal(short)
}

// save writes the file if something has changed that has to last.
func (s *Service) save() error {
	lasting, err := s.state.lasting()
	if err != nil || bytes.Equal(lasting, s.saved) {
		return err
	}
	raw, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(s.file(), raw, 0o600); err != nil {
		return fmt.Errorf("save the state of the service: %w", err)
	}
	s.saved = lasting
	return nil
}

// event remembers that something happened.
func (s *Service) event(h *host, format string, args ...any) {
	e := agent.Event{Time: s.clock.Now().UTC(), Message: fmt.Sprintf(format, args...)}
	if h != nil {
		e.Host = h.name()
	}
	s.state.Events = append(s.state.Events, e)
	if over := len(s.state.Events) - maxEvents; over > 0 {
		s.state.Events = slices.Delete(s.state.Events, 0, over)
	}
}

func (s *Service) find(id string) *host {
	for _, h := range s.state.Hosts {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// rendezvous is the host that has the rendezvous address, nil if it has not registered.
func (s *Service) rendezvous() *host {
	for _, h := range s.state.Hosts {
		if h.Rendezvous {
			return h
		}
	}
	return nil
}
