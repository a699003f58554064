package network

import (
	"fmt"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// SetHostname sets the name of the live system: below root the file that NetworkManager
// respects, and if root is "/" that of the kernel.
func SetHostname(root, name string) error {
	if err := atomicfile.Write(filepath.Join(root, "etc/hostname"), []byte(name+"\n"), 0o644); err != nil {
		return fmt.Errorf("set the hostname: %w", err)
	}
	if filepath.Clean(root) != "/" {
		return nil
	}
	if err := setKernelHostname(name); err != nil {
		return fmt.Errorf("set the hostname to %s: %w", name, err)
	}
	return nil
}
