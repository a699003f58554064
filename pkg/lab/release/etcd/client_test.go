package etcd

import (
	"net"
	"testing"
)

// TestPeerAnswers holds what the operator takes for life in a member that serves no
// clients yet.
func TestPeerAnswers(t *testing.T) {
	const ip = "127.0.0.77" // an address of its own, because the port is fixed
	l, err := net.Listen("tcp", net.JoinHostPort(ip, peerPort))
	if err != nil {
		t.Fatal(err)
	}
	members := []member{{ID: 1, IP: ip, Learner: true}}
	(&dialer{}).probe(t.Context(), members)
	if !members[0].Alive {
		t.Error("a learner that listens at its peer port is not alive")
	}
	_ = l.Close() // it has not been used for data
	(&dialer{}).probe(t.Context(), members)
	if members[0].Alive {
		t.Error("a learner that listens nowhere is alive")
	}
}
