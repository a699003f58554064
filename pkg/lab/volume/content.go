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

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// unpack turns an upload into a raw image beside it and returns its virtual
// size. The upload stays as it is, for downloads.
func unpack(ctx context.Context, upload, image, format string) (int64, error) {
	if err := os.RemoveAll(image); err != nil {
		return 0, err
	}
	switch format {
	case "raw":
		if err := os.Link(upload, image); err != nil {
			return 0, err
		}
		return fileSize(image)
	case "cow":
		return unpackQCOW(ctx, upload, image)
	}
	return 0, fmt.Errorf("content format %q is neither raw nor cow", format)
}

func unpackQCOW(ctx context.Context, upload, image string) (int64, error) {
	if err := checkQCOWHeader(upload); err != nil {
		return 0, err
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
	if err := os.Rename(tmp, image); err != nil {
		return 0, err
	}
	return fileSize(image)
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
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
	if err := json.Unmarshal([]byte(out), &check); err != nil {
		return fmt.Errorf("read the output of qemu-img: %w", err)
	}
	size, err := fileSize(upload)
	if err == nil && check.End > size {
		err = fmt.Errorf("the image is cut off: it has %d of %d bytes", size, check.End)
	}
	return err
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

// tool runs qemu-img within limits, as oVirt does, because a crafted image can
// make it use a lot.
func tool(ctx context.Context, args ...string) (string, error) {
	return command.Run(ctx, "prlimit", append([]string{"--as=4294967296", "--cpu=300", "--", "qemu-img"}, args...)...)
}

// sparseWriter writes from an offset on and leaves holes where only zeros
// come, since images are mostly empty.
type sparseWriter struct {
	f  *os.File
	at int64
}

func (w *sparseWriter) Write(p []byte) (int, error) {
	if bytes.Count(p, []byte{0}) == len(p) && w.pastEnd() {
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
