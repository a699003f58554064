package agent

import (
	"debug/elf"
	"fmt"
	"os"

	"github.com/okd-install/okd-install/pkg/exit"
)

// machines are the processors of images, as programs name them.
var machines = map[string]elf.Machine{"x86_64": elf.EM_X86_64, "aarch64": elf.EM_AARCH64}

// program returns the path of the program that hosts of an architecture run: the one that the
// user named, else this one.
func program(named, arch string) (string, error) {
	path, what := named, "--agent-binary "+named
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			return "", fmt.Errorf("find this program, which the hosts run, too: %w", err)
		}
		what = "this program"
	}
	next := "name an okd-install for linux on " + arch + " of the same version with --agent-binary"
	f, err := elf.Open(path)
	if err != nil {
		return "", exit.New(next, "the hosts run %s, which is no program for linux: %w", what, err)
	}
	defer func() { _ = f.Close() }()
	if f.Machine != machines[arch] {
		return "", exit.New(next, "the hosts, which are %s, cannot run %s: it is for %s", arch, what, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", exit.New(next+", built with CGO_ENABLED=0",
				"the hosts cannot run %s: it needs libraries of the system that it was built on", what)
		}
	}
	return path, nil
}
