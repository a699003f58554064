package runtimecfg

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Connections counts the established connections to a local TCP port.
func Connections(port int) (int, error) {
	n := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if os.IsNotExist(err) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return 0, fmt.Errorf("list connections: %w", err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if established(lines.Text(), port) {
				n++
			}
		}
		_ = f.Close() // it was only read
	}
	return n, nil
}

// established reports whether a line of the kernel's table is an established
// connection (state 01) to a local port: number, address:port in hexadecimal, the
// peer's, state, and more.
func established(line string, port int) bool {
	f := strings.Fields(line)
	if len(f) < 4 || f[3] != "01" {
		return false
	}
	_, hex, _ := strings.Cut(f[1], ":")
	local, err := strconv.ParseUint(hex, 16, 16)
	return err == nil && int(local) == port
}
