package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// stateFile is below the agent's directory.
const stateFile = "host.json"

// state is what a restarted agent has to know.
type state struct {
	// Boot in which it was written. The directory is in memory, except in tests.
	Boot string `json:"boot"`
	// Stage is empty until there is an order.
	Stage    agent.Stage    `json:"stage,omitempty"`
	Hostname string         `json:"hostname,omitempty"`
	Role     string         `json:"role,omitempty"`
	Disk     agent.Disk     `json:"disk,omitzero"`
	Problem  *agent.Problem `json:"problem,omitempty"`
	// Bootstrap was ordered; its config is Applied, its units are Started.
	Bootstrap bool `json:"bootstrap,omitempty"`
	Applied   bool `json:"applied,omitempty"`
	// Nodes are those of the cluster, for the bootstrap.
	Nodes   []service.Planned `json:"nodes,omitempty"`
	Started bool              `json:"started,omitempty"`
	// Logs were sent, or could not be.
	Logs bool `json:"logs,omitempty"`
}

func (s *state) ordered() bool { return s.Stage != "" }

// load reads the state of this boot.
func (a *Agent) load() error {
	if err := os.MkdirAll(a.StateDir, 0o700); err != nil {
		return fmt.Errorf("directory of the agent: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(a.StateDir, stateFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the state of the agent: %w", err)
	}
	var s state
	if err == nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("read the state of the agent in %s: %w", a.StateDir, err)
		}
	}
	if s.Boot != a.Boot {
		s = state{Boot: a.Boot}
	}
	if s.Stage == agent.Failed { // who restarts the agent wants it to try again
		s.Stage, s.Problem = agent.Writing, nil
	}
	a.state = s
	return nil
}

// update changes the state, and keeps it before anything is done because of it.
func (a *Agent) update(change func(*state) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.state
	if err := change(&next); err != nil {
		return err
	}
	if next.Stage == agent.Bootstrapping {
		next.Bootstrap = true
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(a.StateDir, stateFile), raw, 0o600); err != nil {
		return fmt.Errorf("save the state of the agent: %w", err)
	}
	a.state = next
	return nil
}

// say sets the line about the stage.
func (a *Agent) say(percent int, line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.percent, a.doing = percent, line
}

// leaveSelf leaves for the console what the host knows of itself.
func (a *Agent) leaveSelf() {
	r := a.report()
	a.mu.Lock()
	self := agent.Self{Rendezvous: a.Config.Rendezvous, Host: agent.HostStatus{
		ID: r.Inventory.ID, Hostname: r.Hostname, Role: r.Role, Rendezvous: a.svc != nil, Stage: r.Stage, Doing: r.Doing,
		Percent: r.Percent, Disk: r.Disk, Problem: r.Problem, LastHeard: a.heard.UTC(),
	}}
	if a.order != nil && self.Host.Hostname == "" {
		self.Host.Hostname, self.Host.Role = a.order.Hostname, a.order.Role
	}
	if a.order != nil && self.Host.Problem == nil {
		self.Host.Problem = a.order.Problem
	}
	if self.Host.Hostname == "" {
		self.Host.Hostname = r.Inventory.Hostname
	}
	switch {
	case a.failing != nil:
		self.Contact = a.failing.Error()
	case a.serving != nil:
		self.Contact = a.serving.Error()
	case a.contact != nil:
		self.Contact = a.contact.Error()
	}
	a.mu.Unlock()
	for _, nic := range r.Inventory.NICs {
		if nic.Physical {
			self.Host.MACs = append(self.Host.MACs, nic.MAC)
		}
		for _, p := range nic.Addresses {
			if p.Addr().IsGlobalUnicast() {
				self.Host.Addresses = append(self.Host.Addresses, p.Addr())
			}
		}
	}
	for _, c := range r.Checks {
		if c.Result != agent.Pass {
			self.Host.Checks = append(self.Host.Checks, c)
		}
	}
	raw, err := json.Marshal(self)
	if err == nil {
		err = atomicfile.Write(filepath.Join(a.StateDir, agent.SelfFile), raw, 0o600)
	}
	if err != nil {
		a.Log.Warn("tell the console", "error", err)
	}
}
