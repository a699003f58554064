package runtimecfg

import (
	"net"
	"testing"
	"time"
)

func TestConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
