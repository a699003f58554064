package service

import "github.com/okd-install/okd-install/pkg/agent"

// Known is a host with the name that it gets as a node.
type Known struct {
	Hostname  string
	Inventory agent.Inventory
}

// Known are the hosts that have registered, in the order in which they did.
func (s *Service) Known() []Known {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Known, len(s.state.Hosts))
	for i, h := range s.state.Hosts {
		out[i] = Known{h.Hostname, h.Report.Inventory}
	}
	return out
}
