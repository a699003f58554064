package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget makes what is read next come from the disk, and not from memory.
func forget(f *os.File) error { return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
