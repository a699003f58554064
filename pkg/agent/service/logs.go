package service

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// logsDir is the directory of the hosts' logs, below that of the service.
const logsDir = "logs"

var errUnknown = errors.New("this host has not registered")

func (s *Service) logFile(id string) string {
	return filepath.Join(s.dir, logsDir, id+".tar.gz")
}

// keepLogs keeps the newest logs of a host. Only ids of registered hosts become names of files.
func (s *Service) keepLogs(id string, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil {
		return errUnknown
	}
	if err := atomicfile.Write(s.logFile(id), raw, 0o600); err != nil {
		return fmt.Errorf("keep the logs of %s: %w", h.name(), err)
	}
	if h.Logs.IsZero() {
		s.event(h, "logs are kept")
	}
	h.Logs = s.clock.Now().UTC()
	return s.save()
}

// writeLogs writes an archive with the status and with what hosts have sent.
func (s *Service) writeLogs(w io.Writer) error {
	status := s.Status()
	raw, err := json.MarshalIndent(status, "", "  ")
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	add := func(name string, content []byte) error {
		if err := out.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: status.Time,
		}); err != nil {
			return err
		}
		_, err := out.Write(content)
		return err
	}
	if err := add("status.json", raw); err != nil {
		return err
	}
	for _, h := range status.Hosts {
		content, err := os.ReadFile(s.logFile(h.ID))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			// The name is for people; the id keeps it apart from others.
			err = add(path.Join("hosts", h.Hostname+"-"+h.ID+".tar.gz"), content)
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}
