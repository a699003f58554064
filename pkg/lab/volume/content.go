package volume

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// unpack turns an upload into a raw image beside it and returns its virtual
// size. The upload stays as it is, for downloads.
func unpack(ctx context.Context, upload, image, format string) (int64, error) {
	if err := os.Remove(image); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	switch format {
	case "raw":
		if err := os.Link(upload, image); err != nil {
			return 0, err
		}
		info, err := os.Stat(image)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	case "cow":
		return unpackQCOW(ctx, upload, image)
	}
	return 0, fmt.Errorf("content format %q is neither raw nor cow", format)
}

// limitedTool bounds what qemu-img may take, as oVirt does, because a crafted
// image can make it use a lot.
var limitedTool = []string{"prlimit", "--as=4294967296", "--cpu=300", "--", "qemu-img"}

func unpackQCOW(ctx context.Context, upload, image string) (int64, error) {
	if err := checkQCOWHeader(upload); err != nil {
		return 0, err
	}
	out, err := tool(ctx, "info", "--output=json", "-f", "qcow2", upload)
	if err != nil {
		return 0, err
	}
	var info struct {
		VirtualSize int64  `json:"virtual-size"`
		Backing     string `json:"backing-filename"`
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return 0, fmt.Errorf("read the output of qemu-img: %w", err)
	}
	if info.Backing != "" {
		return 0, fmt.Errorf("the image needs a backing file %q; upload a flat image", info.Backing)
	}
	if err := checkWhole(ctx, upload); err != nil {
		return 0, err
	}
	tmp := image + ".new"
	// Unsafe cache: a half-written image is thrown away anyway. Out of order
	// writing and no host cache flush are what makes it fast.
	if _, err := tool(ctx, "convert", "-f", "qcow2", "-O", "raw", "-t", "unsafe", "-W", upload, tmp); err != nil {
		return 0, errors.Join(err, os.RemoveAll(tmp))
	}
	return info.VirtualSize, os.Rename(tmp, image)
}

// checkWhole refuses damaged and cut-off images: qemu reads zeros beyond the
// end of a file, so a conversion alone would succeed.
func checkWhole(ctx context.Context, upload string) error {
	out, err := tool(ctx, "check", "--output=json", "-f", "qcow2", upload)
	var exit *exec.ExitError
	const onlyLeaks = 3 // exit code: clusters that nothing uses, harmless
	if errors.As(err, &exit) && exit.ExitCode() == onlyLeaks {
		err = nil
	}
	if err != nil {
		return err
	}
	var check struct {
		End int64 `json:"image-end-offset"`
	}
	if err := json.Unmarshal(out, &check); err != nil {
		return fmt.Errorf("read the output of qemu-img: %w", err)
	}
	info, err := os.Stat(upload)
	if err != nil {
		return err
	}
	if check.End > info.Size() {
		return fmt.Errorf("the image is cut off: it has %d of %d bytes", info.Size(), check.End)
	}
	return nil
}

// checkQCOWHeader refuses, before any tool sees them, what is not QCOW2 and
// what would make the tool open other files.
func checkQCOWHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := make([]byte, 104)
	if _, err := io.ReadFull(f, h[:72]); err != nil || string(h[:4]) != "QFI\xfb" {
		return errors.New("the content is not a QCOW2 image")
	}
	version := binary.BigEndian.Uint32(h[4:])
	if version != 2 && version != 3 {
		return fmt.Errorf("QCOW2 version %d is unknown", version)
	}
	if binary.BigEndian.Uint64(h[8:]) != 0 {
		return errors.New("the image has a backing file; upload a flat image")
	}
	if version == 3 {
		if _, err := f.ReadAt(h, 0); err != nil {
			return errors.New("the QCOW2 header is cut off")
		}
		const externalData = 1 << 2
		if binary.BigEndian.Uint64(h[72:])&externalData != 0 {
			return errors.New("the image keeps its data in another file; upload a flat image")
		}
	}
	return nil
}

func tool(ctx context.Context, args ...string) ([]byte, error) {
	argv := append(append([]string{}, limitedTool...), args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("qemu-img %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// sparseWriter writes from an offset on and leaves holes where only zeros
// come, since images are mostly empty.
type sparseWriter struct {
	f  *os.File
	at int64
}

func (w *sparseWriter) Write(p []byte) (int, error) {
	if isZero(p) && w.pastEnd() {
		if err := w.f.Truncate(w.at + int64(len(p))); err != nil {
			return 0, err
		}
		w.at += int64(len(p))
		return len(p), nil
	}
	n, err := w.f.WriteAt(p, w.at)
	w.at += int64(n)
	return n, err
}

func (w *sparseWriter) pastEnd() bool {
	info, err := w.f.Stat()
	return err == nil && w.at >= info.Size()
}

var zeroBlock [64 << 10]byte

func isZero(p []byte) bool {
	for len(p) > 0 {
		n := min(len(p), len(zeroBlock))
		if !bytes.Equal(p[:n], zeroBlock[:n]) {
			return false
		}
		p = p[n:]
	}
	return true
}

// contextReader ends an upload when its request is given up.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

type readSeekNopCloser struct{ io.ReadSeeker }

func (readSeekNopCloser) Close() error { return nil }
