package iso_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// large makes an ISO of that many bytes, and a program of 30 MB.
func large(b *testing.B, size int) (image, program string) {
	b.Helper()
	path := write(b, isotest.Layout{})
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	chunk := noise(8 << 20) // not a hole that cp would skip
	for written := 0; written < size; written += len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	program = filepath.Join(b.TempDir(), "program")
	if err := os.WriteFile(program, noise(30<<20), 0o755); err != nil {
		b.Fatal(err)
	}
	return path, program
}

// BenchmarkGrow writes an agent image of 1 GiB, and compares with cp, which copies the same bytes. Both wait for the
// disk.
func BenchmarkGrow(b *testing.B) {
	path, program := large(b, 1<<30)
	dir := b.TempDir()
	target := filepath.Join(dir, "agent.iso")
	var ours, cp time.Duration
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		start := time.Now()
		script := `cp "$1" "$3" && cat "$2" >>"$3" && sync "$3"`
		if out, err := exec.Command("sh", "-c", script, "-", path, program, target).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		cp += time.Since(start)
		if err := os.Remove(target); err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		err := iso.Edit(context.Background(), path, target, nil, func(i *iso.Image) error {
			plain := &initrd.Plain{}
			if err := plain.AddFile("okd-agent/okd-install", 0o755, program); err != nil {
				return err
			}
			return i.SetArchives(plain)
		})
		ours += time.Since(start)
		if err == nil {
			err = os.Remove(target)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(cp.Seconds()/ours.Seconds(), "of-cp")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "MiB-allocated/op")
}
