//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// foreignDisk is a disk that somebody else attached to a node, as a storage driver does.
type foreignDisk struct {
	id      string
	content [sha256.Size]byte
}

// api calls the engine as its administrator, from the provisioner's network namespace.
func (l *lab) api(t *testing.T, method, path, body string) []byte {
	t.Helper()
	f := l.facts(t).Engine
	u, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	ca, err := os.ReadFile(f.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return l.dial(ctx, "tcp", net.JoinHostPort(network.Engine.String(), port))
		}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), method, f.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(f.User, f.Password)
	req.Header.Set("Content-Type", "application/xml")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d, %v: %s", method, path, resp.StatusCode, err, data)
	}
	return data
}

// plugForeignDisk makes a disk, writes something to it, and plugs it into a
// running master.
func (c *cluster) plugForeignDisk(t *testing.T) foreignDisk {
	t.Helper()
	var made struct {
		ID string `xml:"id,attr"`
	}
	answer := c.api(t, http.MethodPost, "/disks", `<disk><alias>pvc-e2e</alias><format>raw</format><sparse>true</sparse>`+
		`<provisioned_size>1048576</provisioned_size>`+
		`<storage_domains><storage_domain><name>data</name></storage_domain></storage_domains></disk>`)
	if err := xml.Unmarshal(answer, &made); err != nil || made.ID == "" {
		t.Fatalf("no disk in %s: %v", answer, err)
	}
	eventually(t, 30*time.Second, func() string {
		for _, d := range c.inventory(t).Disks {
			if d.ID == made.ID && d.Status == "ok" {
				return ""
			}
		}
		return "the disk is not ok"
	})
	content := bytes.Repeat([]byte("a ledger that nobody may lose\n"), 4096)
	store := c.volumes(t)
	if _, err := store.Write(t.Context(), made.ID, 0, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	masters := c.masters(t)
	for _, vm := range c.inventory(t).VMs {
		if vm.Status == "up" && slices.Contains(masters, vm.Name) {
			c.api(t, http.MethodPost, "/vms/"+vm.ID+"/diskattachments", fmt.Sprintf(
				`<disk_attachment><disk id="%s"/><interface>virtio_scsi</interface><bootable>false</bootable>`+
					`<active>true</active></disk_attachment>`, made.ID))
			return foreignDisk{id: made.ID, content: sha256.Sum256(content)}
		}
	}
	t.Fatalf("none of the virtual machines %v is up", masters)
	return foreignDisk{}
}

// volumes opens the store of the engine's disks.
func (l *lab) volumes(t *testing.T) *volume.Store {
	t.Helper()
	store, err := volume.Open(l.File("volumes"))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// survived checks that the disk exists, attached to no machine and with its content, and
// then removes it.
func (c *cluster) survived(t *testing.T, d foreignDisk, stderr string) {
	t.Helper()
	if !strings.Contains(stderr, d.id) || !strings.Contains(stderr, "pvc-e2e") {
		t.Errorf("standard error does not name the disk that stays:\n%s", last(stderr, 30))
	}
	r, _, err := c.volumes(t).Read(t.Context(), d.id)
	if err != nil {
		t.Fatalf("the disk of somebody else is gone: %v", err)
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil || [sha256.Size]byte(h.Sum(nil)) != d.content {
		t.Errorf("the content of the disk has changed: %v", err)
	}
	for _, have := range c.inventory(t).Disks {
		if have.ID == d.id {
			c.api(t, http.MethodDelete, "/disks/"+d.id, "")
			eventually(t, 30*time.Second, func() string {
				for _, have := range c.inventory(t).Disks {
					if have.ID == d.id {
						return "the disk is still there"
					}
				}
				return ""
			})
			return
		}
	}
	t.Error("the engine does not know the disk any more")
}
