package analyze

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Bounds of a bundle, which comes from broken hosts or from somebody else. Those of real clusters have some 100 MiB in
// some thousand files.
const (
	maxPlain   = 4 << 30   // bytes after decompression
	maxEntries = 200_000   // files and directories
	maxKept    = 512 << 20 // bytes that are held in memory
	maxName    = 1024
)

var errTooLarge = errors.New("larger than a log bundle can be")

// readBundle reads what the analysis needs of a bundle. It writes nothing, so names in it lead nowhere.
func readBundle(ctx context.Context, file string) (*evidence, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open log bundle: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", file)
	}
	if err != nil {
		return nil, fmt.Errorf("open log bundle: %w", err)
	}
	ev, err := readArchive(ctx, f, info.ModTime())
	if err != nil {
		return nil, fmt.Errorf("read log bundle %s: %w", file, err)
	}
	return ev, nil
}

// readArchive reads a compressed tar archive. What was read before it turns out to be broken counts. Nothing in a
// bundle is younger than latest, except for the difference of clocks.
func readArchive(ctx context.Context, r io.Reader, latest time.Time) (*evidence, error) {
	plain, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("not a gzip archive: %w", err)
	}
	ev := &evidence{files: map[string][]byte{}}
	archive := tar.NewReader(&bounded{ctx: ctx, r: plain, left: maxPlain})
	kept := 0
	for n := 0; ; n++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && n >= maxEntries {
			err = errTooLarge
		}
		if err == nil {
			err = ev.take(archive, header, &kept)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			if len(ev.files) == 0 {
				return nil, err
			}
			ev.gap("the rest of the bundle: " + err.Error())
			break
		}
		if t := header.ModTime; t.After(ev.taken) && t.Before(latest.Add(24*time.Hour)) {
			ev.taken = t
		}
	}
	if len(ev.files) == 0 {
		return nil, errors.New("not a log bundle: it has none of the files of one")
	}
	ev.noteGaps()
	return ev, nil
}

// take keeps a file if the analysis needs it.
func (ev *evidence) take(r io.Reader, header *tar.Header, kept *int) error {
	name, limit := wanted(header.Name)
	if _, twice := ev.files[name]; header.Typeflag != tar.TypeReg || name == "" || twice {
		return nil
	}
	if limit == 0 {
		ev.files[name] = nil
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(content)) > limit {
		content = content[:limit]
		ev.gap(fmt.Sprintf("%s after its first %d MiB", name, limit>>20))
	}
	if *kept += len(content); *kept > maxKept {
		return errTooLarge
	}
	ev.files[name] = content
	return err
}

// roots are the directories of a bundle. What is above them differs: a bundle of an installation in place has one more.
var roots = []string{"bootstrap", "control-plane", "resources", "installer", "rendered-assets", "unit-status"}

// kinds are the resources that the analysis looks at, as we and openshift-install name them.
var kinds = []string{
	"nodes", "pods", "events", "certificatesigningrequests", "csr", "clusterversions", "clusterversion",
	"clusteroperators", "etcds", "etcd", "namespaces",
}

// wanted is the name that a file has in our bundles, empty if the analysis does not need it, and how many bytes of it
// are read; with 0 it matters only that there is such a file.
func wanted(raw string) (name string, limit int64) {
	if len(raw) > maxName {
		return "", 0
	}
	parts := strings.Split(strings.TrimPrefix(path.Clean("/"+raw), "/"), "/")
	base := parts[len(parts)-1]
	at := slices.IndexFunc(parts[:len(parts)-1], func(p string) bool { return slices.Contains(roots, p) })
	switch {
	case at > 2:
		return "", 0
	case at >= 0:
		name = strings.Join(parts[at:], "/")
	case len(parts) <= 3 && (base == failedUnitsFile || base == missingFile):
		return base, 1 << 20
	default:
		return "", 0
	}
	kind, isJSON := strings.CutSuffix(base, ".json")
	switch dir := path.Dir(name) + "/"; {
	case dir == servicesDir && isJSON:
		return name, 32 << 20
	case dir == resourcesDir && isJSON && slices.Contains(kinds, kind):
		return name, 256 << 20
	case name == journalFile:
		return name, 32 << 20
	case name == answerFile, name == sourceFile:
		return name, 64 << 10
	case strings.HasPrefix(name, mastersDir) && base == failedUnitsFile:
		return name, 1 << 20
	case strings.HasPrefix(name, mastersDir) && len(parts) > at+2:
		return mastersDir + parts[at+1] + "/", 0 // something came from that host
	}
	return "", 0
}

// noteGaps passes on what the gathering itself could not get.
func (ev *evidence) noteGaps() {
	for line := range strings.Lines(string(ev.files[missingFile])) {
		if line = strings.TrimSpace(line); line != "" && len(ev.gaps) < 50 {
			ev.gap(line)
		}
	}
}

// bounded ends a stream that grows too long, or when the context ends.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}
