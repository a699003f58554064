package firmware

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
)

// What files of a network boot may have.
const (
	maxKernel = 256 << 20
	maxInitrd = 4 << 30 // of each
	maxFetch  = 16      // initrds
)

// Netboot is what was fetched for a boot over the network.
type Netboot struct {
	Cmdline string // for the kernel
	initrds []string
}

// Fetch does what iPXE does: it fetches a script, kernel and initrds into dir.
func Fetch(ctx context.Context, client *http.Client, script, dir string) (*Netboot, error) {
	from, err := url.Parse(script)
	if err == nil {
		err = CheckURL(from)
	}
	if err != nil {
		return nil, fmt.Errorf("boot over the network: %w", err)
	}
	get := func(at string, w io.Writer, limit int64) error {
		if err := get(ctx, client, at, w, limit); err != nil {
			return fmt.Errorf("boot over the network: fetch %s: %w", at, err)
		}
		return nil
	}
	var text bytes.Buffer
	if err := get(script, &text, maxScript); err != nil {
		return nil, err
	}
	s, err := ParseScript(text.Bytes(), from)
	if err == nil && len(s.Initrds) > maxFetch {
		err = fmt.Errorf("it has more than %d initrds", maxFetch)
	}
	if err != nil {
		return nil, fmt.Errorf("boot over the network: script %s: %w", script, err)
	}
	var kernel prefix
	if err := get(s.Kernel, &kernel, maxKernel); err != nil {
		return nil, err
	}
	if !kernel.isLinux() {
		return nil, fmt.Errorf("boot over the network: %s is not a Linux kernel", s.Kernel)
	}
	out := &Netboot{Cmdline: s.Cmdline}
	for i, at := range s.Initrds {
		path := filepath.Join(dir, fmt.Sprintf("initrd-%d.img", i))
		if err := save(path, func(f io.Writer) error { return get(at, f, maxInitrd) }); err != nil {
			return nil, err
		}
		out.initrds = append(out.initrds, path)
	}
	return out, nil
}

// save makes a file of what write writes.
func save(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func get(ctx context.Context, client *http.Client, at string, w io.Writer, limit int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	n, err := io.Copy(w, io.LimitReader(resp.Body, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = fmt.Errorf("%d of %d bytes have come", n, resp.ContentLength)
	}
	return err
}

// prefix keeps the first bytes of what is written.
type prefix struct {
	head [0x206]byte
	n    int
}

func (p *prefix) Write(b []byte) (int, error) {
	p.n += copy(p.head[p.n:], b)
	return len(b), nil
}

// isLinux looks for the kernel's boot protocol: a mark at the end of the first
// sector, and the header's magic after it.
func (p *prefix) isLinux() bool {
	return p.n == len(p.head) && p.head[0x1fe] == 0x55 && p.head[0x1ff] == 0xaa && string(p.head[0x202:]) == "HdrS"
}

// Unpack makes dir the initramfs, as Medium.Unpack does.
func (n *Netboot) Unpack(ctx context.Context, dir string) (skipped []string, err error) {
	return unpackAll(ctx, dir, func(each func(string, io.Reader) error) error {
		for _, path := range n.initrds {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			if err := errors.Join(each(filepath.Base(path), f), f.Close()); err != nil {
				return err
			}
		}
		return nil
	})
}
