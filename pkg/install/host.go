package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/types"
)

// fipsFile is where Linux says whether it is in FIPS mode.
const fipsFile = "/proc/sys/crypto/fips_enabled"

// hostFIPS reports whether this host is in FIPS mode. A kernel without the file has no such mode.
func hostFIPS(file string) types.FIPSMode {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return types.FIPSOff
	case err != nil:
		return types.FIPSUnknown
	case strings.TrimSpace(string(text)) == "1":
		return types.FIPSOn
	}
	return types.FIPSOff
}

// lookupBudget is how long a name server may take to answer.
const lookupBudget = 10 * time.Second

// LookUp asks this host's resolver for the addresses of a name. A name that does not exist has none.
func LookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupBudget)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host+".") // no search domains
	if none := (*net.DNSError)(nil); errors.As(err, &none) && none.IsNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, nil
}
