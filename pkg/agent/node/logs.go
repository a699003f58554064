package node

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
)

const (
	// maxJournal limits the text of the logs (bytes): the service takes 8 MiB, packed.
	maxJournal = 6 << 20
	// logTime is how long the journal may take.
	logTime = time.Minute
)

// logUnits are those whose journal is kept.
var logUnits = []string{
	"okd-agent.service", "okd-agent-network.service", "NetworkManager.service", "chronyd.service",
	"node-image-pull.service", "node-image-overlay.service", "release-image.service", "crio.service", "kubelet.service",
	"bootkube.service", "approve-csr.service", "progress.service", "install-to-disk.service",
}

// logs are the host's, without secrets.
func (a *Agent) logs(ctx context.Context) ([]byte, error) {
	args := []string{"--boot", "--no-pager", "--output=short-iso", "--lines=100000"}
	for _, u := range logUnits {
		args = append(args, "--unit="+u)
	}
	within, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	journal, err := a.Hardware.Output(within, maxJournal, "journalctl", args...)
	if err != nil {
		a.Log.Warn("read the journal", "error", err)
		journal = append(journal, "journalctl: "+err.Error()+"\n"...)
	}
	report, err := json.MarshalIndent(a.report(), "", "  ")
	if err != nil {
		return nil, err
	}
	known := append([]secret.String{a.Config.AgentToken, a.Config.WatcherToken, a.Config.Key}, a.Secrets...)
	redactor := secret.NewRedactor(known...)
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, f := range []struct {
		name    string
		content []byte
	}{{"journal.txt", journal}, {"report.json", report}} {
		content := redactor.Clean(string(f.content))
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.name, Mode: 0o600, Size: int64(len(content)), ModTime: a.Clock.Now(),
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
