package cdi

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/ulikunitz/xz"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/okd-install/okd-install/pkg/lab/virt/cdi/qcow2"
)

// completed is what an importer says at its end.
const completed = "Import Complete"

// errScratch asks for another try with scratch space.
var errScratch = errors.New(scratchRequired)

// transfer is one run of an importer.
type transfer struct {
	env     func(string) string
	disk    string // where the disk goes: a file in a directory, or a device
	scratch string // directory; it need not exist
	free    func(dir string) (int64, error)
	log     io.Writer
}

// run fills the volume.
func (t transfer) run(ctx context.Context) error {
	source, endpoint := t.env(varSource), t.env(varEndpoint)
	if source == "none" {
		if err := t.blank(); err != nil {
			//nolint:staticcheck // as in CDI
			return fmt.Errorf("Unable to create blank image: %w", err)
		}
		return nil
	}
	var err error
	switch source {
	case "http":
		err = t.http(ctx, endpoint)
	case "registry":
		err = t.registry(ctx, endpoint)
	default:
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unknown data source: %s", source)
	}
	if err != nil && !errors.Is(err, errScratch) {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to process data: %w", err)
	}
	return err
}

// blank makes an empty disk of the size that was asked for, or as large as the file system allows.
func (t transfer) blank() error {
	size, err := t.usable()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(t.disk, os.O_CREATE|os.O_RDWR, 0o660)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err // a device is blank
	}
	return errors.Join(f.Truncate(size), f.Sync())
}

// usable is how large a disk may be.
func (t transfer) usable() (int64, error) {
	q, err := resource.ParseQuantity(t.env(varSize))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", varSize, err)
	}
	size := q.Value()
	if info, err := os.Stat(t.disk); err == nil && !info.Mode().IsRegular() {
		return size, nil
	}
	free, err := t.free(filepath.Dir(t.disk))
	if err != nil {
		return 0, err
	}
	overhead, _ := strconv.ParseFloat(t.env(varOverhead), 64)
	return int64(float64(min(size, free)) * (1 - overhead)), nil
}

func freeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// transport trusts the authorities that the pod was given besides the system's.
func (t transfer) transport() (http.RoundTripper, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, dir := range []string{t.env(varCerts), t.env(varProxyCerts)} {
		if dir == "" {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if data, err := os.ReadFile(f); err == nil {
				pool.AppendCertsFromPEM(data)
			}
		}
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{
		RootCAs: pool, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: t.env(varInsecure) == "true", //nolint:gosec // spec.storageImport.insecureRegistries
	}
	return tr, nil
}

// http fetches a disk from a server.
func (t transfer) http(ctx context.Context, endpoint string) error {
	if _, err := url.ParseRequestURI(endpoint); err != nil {
		return fmt.Errorf("unable to parse endpoint %q: %w", endpoint, err)
	}
	tr, err := t.transport()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return fmt.Errorf("could not create HTTP request: %w", err)
	}
	if user := t.env(varKey); user != "" {
		req.SetBasicAuth(user, t.env(varSecret))
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to connect to http data source: HTTP request errored: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to connect to http data source: expected status code %d, got %d. Status: %s",
			http.StatusOK, resp.StatusCode, resp.Status)
	}
	return t.write(resp.Body)
}

// registry fetches the disk of a container image: the only file below /disk.
func (t transfer) registry(ctx context.Context, endpoint string) error {
	img, err := t.image(ctx, endpoint)
	if err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Failed to read registry image: failed to pull image: %w", err)
	}
	layers, err := img.Layers()
	if err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Failed to read registry image: %w", err)
	}
	for _, l := range layers {
		found, err := t.layer(l)
		if found || err != nil {
			return err
		}
	}
	//nolint:staticcheck // as in CDI
	return errors.New("Failed to read registry image: Failed to find VM disk image file in the container image")
}

func (t transfer) image(ctx context.Context, endpoint string) (v1.Image, error) {
	ref, options, err := t.reference(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return remote.Image(ref, options...)
}

func (t transfer) reference(ctx context.Context, endpoint string) (name.Reference, []remote.Option, error) {
	spec, ok := strings.CutPrefix(endpoint, "docker://")
	if !ok {
		//nolint:staticcheck // as in CDI
		return nil, nil, fmt.Errorf("Invalid image name %q, unknown transport", endpoint)
	}
	ref, err := name.ParseReference(spec)
	if err != nil {
		//nolint:staticcheck // as in CDI
		return nil, nil, fmt.Errorf("Could not parse image: %w", err)
	}
	tr, err := t.transport()
	if err != nil {
		return nil, nil, err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(tr)}
	arch := t.env(varArch)
	if arch == "" {
		arch = "amd64"
	}
	options = append(options, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
	if user := t.env(varKey); user != "" {
		options = append(options, remote.WithAuth(&authn.Basic{Username: user, Password: t.env(varSecret)}))
	}
	return ref, options, nil
}

func (t transfer) layer(l v1.Layer) (bool, error) {
	r, err := l.Uncompressed()
	if err != nil {
		//nolint:staticcheck // as in CDI
		return false, fmt.Errorf("Error reading layer: %w", err)
	}
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			//nolint:staticcheck // as in CDI
			return false, fmt.Errorf("Error reading layer: %w", err)
		}
		if h.Typeflag == tar.TypeReg && path.Dir(path.Clean("/"+h.Name)) == "/disk" {
			fmt.Fprintf(t.log, "VM disk image filename is %s\n", path.Base(h.Name))
			return true, t.write(tr)
		}
	}
}

// write puts what is read where the disk is to be: unpacked, and in raw form.
func (t transfer) write(r io.Reader) error {
	b := bufio.NewReaderSize(r, 1<<20)
	head, _ := b.Peek(6)
	switch {
	case len(head) > 1 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(b)
		if err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
		defer z.Close()
		b = bufio.NewReaderSize(z, 1<<20)
	case string(head) == "\xfd7zXZ\x00":
		z, err := xz.NewReader(b)
		if err != nil {
			return fmt.Errorf("read xz: %w", err)
		}
		b = bufio.NewReaderSize(z, 1<<20)
	}
	head, _ = b.Peek(4)
	limit, err := t.usable()
	if err != nil {
		return err
	}
	if qcow2.Is(head) {
		return t.convert(b, limit)
	}
	return t.raw(b, limit)
}

func tooLarge(size, limit int64) error {
	return fmt.Errorf("virtual image size %d is larger than the reported available storage %d. A larger PVC is required",
		size, limit)
}

// raw writes a raw disk and leaves out zeroes.
func (t transfer) raw(r io.Reader, limit int64) error {
	f, err := os.OpenFile(t.disk, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o660)
	if err != nil {
		return err
	}
	defer f.Close()
	buffer := make([]byte, 1<<20)
	at := int64(0)
	for {
		n, err := io.ReadFull(r, buffer)
		if at+int64(n) > limit {
			return tooLarge(at+int64(n), limit)
		}
		if n > 0 && !zero(buffer[:n]) {
			if _, err := f.WriteAt(buffer[:n], at); err != nil {
				return fmt.Errorf("unable to write to file: %w", err)
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("unable to read: %w", err)
		}
	}
	return t.finish(f, at, limit)
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// finish makes the disk as large as the volume allows, as users ask for disks and not for images.
func (t transfer) finish(f *os.File, size, limit int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		if err := f.Truncate(max(size, limit)); err != nil {
			//nolint:staticcheck // as in CDI
			return fmt.Errorf("Resize of image failed: %w", err)
		}
	}
	return f.Sync()
}

// convert goes by way of the scratch space: a qcow2 image cannot be read from front to end.
func (t transfer) convert(r io.Reader, limit int64) error {
	if _, err := os.Stat(t.scratch); err != nil {
		return errScratch
	}
	tmp, err := os.Create(filepath.Join(t.scratch, "tmpimage"))
	if err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to transfer source data to scratch space: %w", err)
	}
	defer func() { _ = tmp.Close(); _ = os.Remove(tmp.Name()) }()
	if _, err := io.Copy(tmp, r); err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to transfer source data to scratch space: %w", err)
	}
	img, err := qcow2.Open(tmp)
	if err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to convert source data to target format: Image %s is invalid because %w", tmp.Name(), err)
	}
	if img.Size > limit {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to convert source data to target format: %w", tooLarge(img.Size, limit))
	}
	f, err := os.OpenFile(t.disk, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o660)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := img.Convert(target{f}); err != nil {
		//nolint:staticcheck // as in CDI
		return fmt.Errorf("Unable to convert source data to target format: %w", err)
	}
	return t.finish(f, img.Size, limit)
}

// target is a file or a device, which has its size.
type target struct{ *os.File }

func (t target) Truncate(size int64) error {
	info, err := t.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return t.File.Truncate(size)
}

// digest asks a registry for the digest of an image.
func digest(ctx context.Context, endpoint string, trust []byte) (string, error) {
	dir, err := os.MkdirTemp("", "trust")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), trust, 0o600); err != nil {
		return "", err
	}
	t := transfer{env: func(v string) string { return map[string]string{varProxyCerts: dir}[v] }}
	ref, options, err := t.reference(ctx, endpoint)
	if err != nil {
		return "", err
	}
	d, err := remote.Head(ref, options...)
	if err != nil {
		return "", fmt.Errorf("ask for %s: %w", ref, err)
	}
	return d.Digest.String(), nil
}

// runImporter is the program of importer pods. Why it fails is the last thing that it logs, which is what the kubelet
// tells; what it says at a good end goes where the kubelet looks first.
func runImporter(ctx context.Context, _ []string) error {
	t := transfer{env: os.Getenv, disk: diskFile, scratch: scratchDir, free: freeSpace, log: os.Stderr}
	if _, err := os.Stat(blockPath); err == nil {
		t.disk = blockPath
	}
	err := t.run(ctx)
	needs := errors.Is(err, errScratch)
	if err != nil && !needs {
		_ = os.WriteFile(terminationLog, []byte(err.Error()), 0o600)
		return err
	}
	return end(needs)
}

const terminationLog = "/dev/termination-log"

func end(scratch bool) error {
	message := completed
	raw, err := json.Marshal(termination{ScratchSpaceRequired: &scratch, Message: &message})
	if err != nil {
		return err
	}
	return os.WriteFile(terminationLog, raw, 0o600)
}

// runCloner offers the disk of a claim to the importer of another one.
func runCloner(ctx context.Context, _ []string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/disk.img", func(w http.ResponseWriter, r *http.Request) {
		from := diskFile
		if _, err := os.Stat(blockPath); err == nil {
			from = blockPath
		}
		f, err := os.Open(from)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		_, _ = io.Copy(w, f)
	})
	return serveFiles(ctx, mux)
}

// runUpload takes a disk and ends.
func runUpload(ctx context.Context, _ []string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var done bool
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	for _, p := range []string{"/v1beta1/upload", "/v1alpha1/upload"} {
		mux.HandleFunc(p, func(w http.ResponseWriter, r *http.Request) {
			t := transfer{env: os.Getenv, disk: diskFile, scratch: scratchDir, free: freeSpace, log: os.Stderr}
			if err := t.write(r.Body); err != nil {
				http.Error(w, "Saving stream failed: "+err.Error(), http.StatusInternalServerError)
				return
			}
			done = true
			stop()
		})
	}
	err := serveFiles(ctx, mux)
	if done {
		return end(false)
	}
	return err
}
