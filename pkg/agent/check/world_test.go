package check

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// timeServer answers SNTP requests with a time that is off.
func timeServer(t *testing.T, off time.Duration) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			stamp := func(at int) {
				const epoch = 2208988800 // 1970 in seconds since 1900
				now := time.Now().Add(off)
				binary.BigEndian.PutUint32(b[at:], uint32(now.Unix()+epoch))
				binary.BigEndian.PutUint32(b[at+4:], uint32(now.Nanosecond()*4))
			}
			copy(b[24:32], b[40:48]) // its transmit time comes back as the origin
			b[0], b[1] = 4<<3|4, 2   // version 4, server, stratum 2
			stamp(16)
			stamp(32)
			stamp(40)
			if _, err := conn.WriteTo(b[:48], from); err != nil {
				return
			}
		}
	}()
	return conn.LocalAddr().String()
}

func TestQueryNTP(t *testing.T) {
	off, err := queryNTP(context.Background(), timeServer(t, -2*time.Hour))
	if err != nil || (off+2*time.Hour).Abs() > time.Minute {
		t.Errorf("%v, %v", off, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := queryNTP(ctx, silent.LocalAddr().String()); err == nil {
		t.Error("an answer from a silent server")
	}
}

func TestConnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	if err := connect(context.Background(), addr("127.0.0.1"), port); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	if err := connect(context.Background(), addr("127.0.0.1"), port); err != nil {
		t.Errorf("a refusal is an answer: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := connect(ctx, addr("127.0.0.1"), port); err == nil {
		t.Error("no error although the context has ended")
	}
}

func TestReadMedium(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	if _, err := readMedium(ctx, filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := readMedium(ctx, dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, size := range []int{1, 1 << 10, 256 << 10, 1 << 20} {
		want := filepath.Join(dir, "pxeboot", "rootfs.img")
		if err := os.MkdirAll(filepath.Dir(want), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(want, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
		if name, err := readMedium(ctx, dir); err != nil || name != want {
			t.Errorf("%d bytes: %q, %v", size, name, err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := readMedium(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestReadLatency(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Fatal("hosts run Linux")
	}
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	latency, err := readLatency(context.Background(), path)
	if err != nil && strings.Contains(err.Error(), "invalid argument") {
		t.Fatal("the file system of temporary files has no direct reads; set TMPDIR to one that has")
	}
	if err != nil || latency <= 0 {
		t.Errorf("%v, %v", latency, err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := readLatency(context.Background(), path); err == nil {
		t.Error("an empty disk was read")
	}
	if _, err := readLatency(context.Background(), path+".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
