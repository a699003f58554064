package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/firmware"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// Medium is what is put into a host's drive.
type Medium struct {
	// Source is the path of an ISO image, or its URL, which the lab fetches from
	// the machine network as a management controller would.
	Source string `json:"source"`
	// Slot is the number of the drive, 1 or 2; 0 is the first.
	Slot int `json:"slot,omitempty"`
}

// check refuses media that the drive has no use for: a host can be started from
// what is in the first one only.
func (m Medium) check(path string) error {
	if m.Slot == 2 {
		_, _, err := firmware.Volume(path)
		return err
	}
	medium, err := firmware.Open(path)
	if err != nil {
		return err
	}
	return medium.Close()
}

func checkSlot(slot int) error {
	if slot < 0 || slot > 2 {
		return fmt.Errorf("a host has drives 1 and 2, not %d", slot)
	}
	return nil
}

// maxMedium is the size of an image that is fetched.
const maxMedium = 16 << 30

// insert puts a medium into a host's drive, in place of another one. The host sees it
// at its next start.
func (d *Daemon) insert(ctx context.Context, name string, m Medium) error {
	st, err := d.findHost(name)
	if err == nil {
		err = checkSlot(m.Slot)
	}
	if err != nil {
		return err
	}
	// In the lab's directory, so that it stays what it is and goes with the lab.
	// Each has its own name: a system that runs from the last one keeps it.
	dir := d.cfg.Site.File("media")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("insert medium: %w", err)
	}
	f, err := os.CreateTemp(dir, st.ID+"-*.iso")
	if err != nil {
		return fmt.Errorf("insert medium: %w", err)
	}
	path := f.Name()
	if strings.HasPrefix(m.Source, "http://") || strings.HasPrefix(m.Source, "https://") {
		err = d.fetch(ctx, f, m.Source)
	} else {
		err = share(ctx, m.Source, path)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = m.check(path)
	}
	if err == nil {
		err = d.changeMedia(st.ID, m.Slot, &engine.Media{ISO: path})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("insert medium %s: %w", m.Source, err), os.Remove(path))
	}
	return nil
}

// ejectMedia empties a drive of a host.
func (d *Daemon) ejectMedia(name string, slot int) error {
	st, err := d.findHost(name)
	if err == nil {
		err = checkSlot(slot)
	}
	if err != nil {
		return err
	}
	return d.changeMedia(st.ID, slot, nil)
}

// changeMedia drops the file of the medium that was in the drive. A system that was
// started from it still has it.
func (d *Daemon) changeMedia(id string, slot int, to *engine.Media) error {
	var old string
	err := d.machines.Change(id, func(hw *engine.Hardware) error {
		drive := &hw.Media
		if slot == 2 {
			drive = &hw.SecondMedia
		}
		if *drive != nil {
			old = (*drive).ISO
		}
		*drive = to
		return nil
	})
	if err != nil || old == "" {
		return err
	}
	return os.Remove(old)
}

// share makes path another name of a file or, on another file system, a copy.
func share(ctx context.Context, source, path string) error {
	if !filepath.IsAbs(source) {
		return errors.New("name the ISO image by its whole path")
	}
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a file")
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if os.Link(source, path) == nil {
		return nil
	}
	_, err = command.Run(ctx, "cp", "--reflink=auto", "--sparse=always", "--", source, path)
	return err
}

func (d *Daemon) fetch(ctx context.Context, f *os.File, url string) error {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(d.cfg.Site.File(site.CAFile))
	if err != nil {
		return err
	}
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
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
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxMedium+1))
	if err == nil && n > maxMedium {
		err = fmt.Errorf("it has more than %d GiB", maxMedium>>30)
	}
	return err
}
