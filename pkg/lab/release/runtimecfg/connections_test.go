package runtimecfg

import (
	"net"
	"testing"
	"time"
)

// TestConnections counts on sockets for IPv4, and on those for IPv6: the kernel lists
// them in another table.
func TestConnections(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) { testConnections(t, address) })
	}
}

func testConnections(t *testing.T, address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	count := func(want int) {
		t.Helper()
		got := -1
		for range 100 {
			if got, err = Connections(port); err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d connections, want %d", got, want)
	}
	count(0)
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	count(1)
	_ = server.Close()
	count(0)
	_ = client.Close()
}

func TestEstablished(t *testing.T) {
	for line, want := range map[string]bool{
		"   0: 0100007F:192B 0100007F:C35A 01 00000000:00000000": true,
		"   1: 0100007F:C35A 0100007F:192B 01 00000000:00000000": false, // the client's end
		"   2: 00000000:192B 00000000:0000 0A 00000000:00000000": false, // listens
		"   3: 0100007F:192B 0100007F:C35A 08 00000000:00000000": false, // the client has closed it
		"  sl  local_address rem_address   st tx_queue rx_queue": false,
		"": false,
	} {
		if got := established(line, 6443); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
