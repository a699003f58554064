package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/lab/firmware"
)

// netboot starts with what the DHCP server names: a script of iPXE.
func (m *machine) netboot(ctx context.Context) (_ device, err error) {
	network := m.uplink()
	m.note("starting from the network")
	script, client, err := network.Netboot(ctx, m.hw.Host.UEFI)
	// Also a card without an answer is up.
	defer func() { err = errors.Join(err, network.Down(context.WithoutCancel(ctx))) }()
	if err != nil {
		return device{}, err
	}
	m.note("fetching what %s names", script)
	dir := filepath.Join(m.dir, mediumDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return device{}, fmt.Errorf("boot over the network: %w", err)
	}
	boot, err := firmware.Fetch(ctx, client, script, dir)
	if err != nil {
		return device{}, err
	}
	dev, err := m.unpackLive(ctx, boot.Unpack)
	if err != nil {
		return device{}, err
	}
	dev.initramfs = &initramfs{cmdline: boot.Cmdline}
	path, root, err := firmware.RootInInitramfs(filepath.Join(dev.Writes, initramfsDir))
	if err == nil {
		dev.initramfs.rootIn, dev.initramfs.root = path, root
	} else if !errors.Is(err, fs.ErrNotExist) {
		return device{}, err
	}
	return dev, nil
}

const fetchedRoot = "rootfs.img"

// fetchRoot has the initramfs fetch the root of its system.
func (m *machine) fetchRoot(ctx context.Context, dev device) (string, error) {
	at := firmware.Argument(dev.initramfs.cmdline, firmware.RootfsURL)
	if at == "" {
		return "", errors.New("the initramfs has no root, and no " + firmware.RootfsURL + "= tells where there is one")
	}
	const inside = "/okd-lab-fetched"
	dir := filepath.Join(m.dir, mediumDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("fetch the root: %w", err)
	}
	args := []string{at, filepath.Join(inside, fetchedRoot)}
	err := m.runInitramfs(ctx, dev, fetchRootfs, args, "--bind="+dir+":"+inside)
	return filepath.Join(dir, fetchedRoot), err
}
