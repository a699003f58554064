//go:build !linux

package check

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"time"
)

// Probe implements Network.
func (systemNetwork) Probe(context.Context, string, netip.Addr) (string, error) {
	return "", errors.ErrUnsupported
}

func forget(*os.File) {}

func readLatency(context.Context, string) (time.Duration, error) { return 0, errors.ErrUnsupported }
