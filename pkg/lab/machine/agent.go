package machine

import (
	"net/netip"
	"sync"
	"time"
)

// agentEvery is how often a machine's addresses are looked at, at most. A real
// guest agent reports every ten seconds or so.
const agentEvery = time.Second

// agent is what the engine learns from inside a guest: like a guest agent's,
// its news is a little old. It never blocks: the kernel may hold back questions
// about interfaces for seconds while it takes down other machines' networks.
type agent struct {
	mu      sync.Mutex
	found   []netip.Addr
	at      time.Time
	looking bool
}

// addresses returns what is known and has it looked up anew if that is old.
func (a *agent) addresses(now time.Time, look func() []netip.Addr) []netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.looking && now.Sub(a.at) >= agentEvery {
		a.looking = true
		go func() {
			found := look()
			a.mu.Lock()
			defer a.mu.Unlock()
			a.found, a.at, a.looking = found, now, false
		}()
	}
	return a.found
}

// forget drops what a guest reported that runs no more.
func (a *agent) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.found, a.at = nil, time.Time{}
}
