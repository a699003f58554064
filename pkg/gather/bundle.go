package gather

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
)

// Bounds of what a host may send.
const (
	maxEntry   = 32 << 20
	maxArchive = 1 << 30
)

// bundle is a log bundle that is being written, by several hosts at once. Everything added is cleaned of secrets.
type bundle struct {
	name  string
	clean *cleaner
	now   time.Time
	file  *os.File
	gzip  *gzip.Writer
	tar   *tar.Writer

	mu    sync.Mutex
	paths map[string]bool
	nodes []byte // the list of nodes, if it was gathered
	log   []byte // gather.log, which is written at the end
	err   error  // first failure of writing
}

// Files of a bundle that the installer itself looks at.
const (
	nodesFile = "resources/nodes.json"
	logFile   = "gather.log"
)

func create(dir, name string, clean *cleaner, now time.Time) (*bundle, error) {
	file, err := os.CreateTemp(dir, "."+name+"-*") // CreateTemp makes it 0600
	if err != nil {
		return nil, fmt.Errorf("create log bundle: %w", err)
	}
	compress := gzip.NewWriter(file)
	return &bundle{name: name, clean: clean, now: now, file: file, gzip: compress, tar: tar.NewWriter(compress),
		paths: map[string]bool{}}, nil
}

// add puts one file in; a second one of the same name is dropped.
func (b *bundle) add(name string, content []byte) {
	content = b.clean.bytes(content)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case name == logFile: // more follows
		b.log = append(content, b.log...)
	case b.err == nil && !b.paths[name]:
		b.paths[name] = true
		if name == nodesFile {
			b.nodes = content
		}
		b.write(name, content)
	}
}

// logLine adds a line to the log of the gathering.
func (b *bundle) logLine(line string) {
	line = string(b.clean.bytes([]byte(line)))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, line+"\n"...)
}

func (b *bundle) write(name string, content []byte) {
	b.err = b.tar.WriteHeader(&tar.Header{
		Name: path.Join(b.name, name), Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(content)), ModTime: b.now,
	})
	if b.err == nil {
		_, b.err = b.tar.Write(content)
	}
}

// has reports whether there is a file below a directory.
func (b *bundle) has(dir string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.paths {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// copyArchive adds the files of a compressed tar archive under the names from place, up to a failure.
func (b *bundle) copyArchive(r io.Reader, place func(name string) (string, bool)) error {
	plain, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	files := tar.NewReader(io.LimitReader(plain, maxArchive))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		name, ok := place(header.Name)
		if header.Typeflag != tar.TypeReg || !ok {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(files, maxEntry))
		if header.Size > maxEntry {
			content = append(content, "\n(cut off here)\n"...)
		}
		if len(content) > 0 || err == nil {
			b.add(name, content)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// inner is a path without the archive's top directory. It refuses names that could leave it, and files that hold keys.
func inner(name string) (string, bool) {
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	_, rest, found := strings.Cut(clean, "/")
	if !found || rest == "" {
		return "", false
	}
	base := path.Base(rest)
	if strings.HasSuffix(base, ".key") || strings.HasPrefix(base, "kubeconfig") ||
		strings.HasPrefix(base, "kubeadmin-password") {
		return "", false
	}
	return rest, true
}

// below places the archive of a host, which has no top directory, in dir.
func below(dir string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		rest, ok := inner("top/" + path.Clean("/"+name))
		return path.Join(dir, rest), ok
	}
}

// finish closes the bundle and gives it its name.
func (b *bundle) finish() (string, error) {
	if b.log != nil && b.err == nil {
		b.write(logFile, b.log)
	}
	final := filepath.Join(filepath.Dir(b.file.Name()), b.name+".tar.gz")
	err := errors.Join(b.err, b.tar.Close(), b.gzip.Close(), b.file.Sync(), b.file.Close())
	if err == nil {
		err = os.Rename(b.file.Name(), final)
	}
	if err != nil {
		return "", fmt.Errorf("write log bundle: %w", err)
	}
	return final, nil
}

// discard removes what was not finished.
func (b *bundle) discard() {
	_ = b.file.Close()
	_ = os.Remove(b.file.Name())
}

// missingLines collects the lines in which a host reports what it could not get.
type missingLines struct {
	mu   sync.Mutex
	rest string
	list []string
	sink event.Sink
}

func (m *missingLines) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest += string(p)
	for {
		line, rest, found := strings.Cut(m.rest, "\n")
		if !found {
			return len(p), nil
		}
		m.rest = rest
		if what, ok := strings.CutPrefix(line, "missing: "); ok {
			m.list = append(m.list, what)
		} else if line != "" {
			event.ProgressOf(m.sink, line)
		}
	}
}

func (m *missingLines) lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list
}
