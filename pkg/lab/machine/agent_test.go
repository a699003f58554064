package machine

import (
	"net/netip"
	"testing"
	"time"
)

func TestAgentNeverBlocks(t *testing.T) {
	var a agent
	now := time.Unix(100, 0)
	gate, looked := make(chan struct{}), make(chan struct{}, 10)
	want := netip.MustParseAddr("198.18.0.101")
	look := func() []netip.Addr {
		looked <- struct{}{}
		<-gate
		return []netip.Addr{want}
	}
	for range 3 { // while the first look hangs, there is no wait and no second look
		if got := a.addresses(now, look); got != nil {
			t.Fatalf("knows %v before anything was looked up", got)
		}
	}
	close(gate)
	deadline := time.Now().Add(5 * time.Second)
	for len(a.addresses(now, look)) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the look came to nothing")
		}
		time.Sleep(time.Millisecond)
	}
	if n := len(looked); n != 1 {
		t.Errorf("looked %d times within %s, want once", n, agentEvery)
	}
	a.forget()
	if got := a.addresses(now, look); got != nil {
		t.Errorf("still knows %v", got)
	}
}
