package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
)

// Options are what Install needs.
type Options struct {
	// Disk is what Choose has chosen.
	Disk agent.Disk
	// Ignition is the file with the Ignition config of the host's next life.
	Ignition string
	// NetworkDir has profiles of NetworkManager for its first boot; empty: none.
	NetworkDir string
	// Kargs are more arguments for its kernel.
	Kargs []string
	// Cluster is the infrastructure ID of the cluster, by which Erase knows the disk; empty for none.
	Cluster string
	// Image is what ImageOn finds on the disk afterwards; empty for nothing.
	Image string
	// UEFI: the firmware's boot order can be set.
	UEFI bool
	// Inventory reads the hardware again, just before the disk is written.
	Inventory func(context.Context) (agent.Inventory, error)
	// Progress may be nil. The percentage is 0 until the image is being written.
	Progress func(percent int, line string)
	Runner   Runner
	Clock    clock.Clock
}

// Writing is tried three times: devices may be busy for a moment after they have changed.
const (
	tries = 3
	pause = 5 * time.Second
)

// Install writes the system to the disk. Everything on it is lost, and nothing on others is
// changed.
func Install(ctx context.Context, o Options) error {
	j := &job{Options: o}
	if err := j.recheck(ctx); err != nil {
		return err
	}
	if _, err := readIgnition(o.Ignition); err != nil {
		return err
	}
	var err error
	for try := 1; try <= tries; try++ {
		if try > 1 {
			j.say("try %d of %d, after: %v", try, tries, err)
			if e := o.Clock.Sleep(ctx, pause); e != nil {
				return fmt.Errorf("write %s: %w", o.Disk.Path, errors.Join(e, err))
			}
			// The last try may have left a disk that looks different.
			if e := j.recheck(ctx); e != nil {
				return e
			}
		}
		if err = j.write(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("write the system to %s: %w", Describe(o.Disk), err)
	}
	j.own()
	j.bootFirst(ctx)
	j.mark() // last: it proves that all of this was done
	j.say("%s is written", o.Disk.Path)
	return nil
}

// job is one installation.
type job struct {
	Options
	percent int
}

func (j *job) say(format string, args ...any) {
	if j.Progress != nil {
		j.Progress(j.percent, fmt.Sprintf(format, args...))
	}
}

// recheck finds out whether the disk still is the one that was chosen: names such as sda go
// to another one when disks are added or fail.
func (j *job) recheck(ctx context.Context) error {
	inv, err := j.Inventory(ctx)
	if err != nil {
		return fmt.Errorf("look at the disks again before one is written: %w", err)
	}
	was := j.Disk
	for _, d := range inv.Disks {
		if d.Path != was.Path {
			continue
		}
		switch {
		case d.Serial != was.Serial || d.WWN != was.WWN || d.SizeBytes != was.SizeBytes || d.Model != was.Model:
			return fmt.Errorf("nothing was written: the chosen disk was %s, and now it is %s", Describe(was), Describe(d))
		case d.Unusable != "":
			return fmt.Errorf("nothing was written: the chosen disk, %s, cannot be used any more: %s", Describe(d), d.Unusable)
		}
		return nil
	}
	return fmt.Errorf("nothing was written: the chosen disk, %s, is not there any more", Describe(was))
}

// maxIgnition is far above the size of any Ignition config, also of a single node, whose config
// has the data of etcd; the boot partition has 384 MiB.
const maxIgnition = 256 << 20

func readIgnition(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the Ignition config: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxIgnition+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the Ignition config: %w", err)
	case len(bytes.TrimSpace(b)) == 0:
		return nil, fmt.Errorf("the Ignition config %s is empty", path)
	case len(b) > maxIgnition:
		return nil, fmt.Errorf("the Ignition config %s has more than %d MiB", path, maxIgnition>>20)
	}
	return b, nil
}

// write does all that is repeated if it fails.
func (j *job) write(ctx context.Context) error {
	j.percent = 0
	if err := j.wipe(ctx); err != nil {
		return err
	}
	j.say("writing the system to %s", j.Disk.Path)
	err := j.Runner.Run(ctx, func(l Line) {
		if p, ok := percentOf(l.Text); ok {
			j.percent = p
		}
		j.say("%s", l.Text)
	}, "coreos-installer", j.arguments()...)
	if err != nil {
		return err
	}
	return j.verify(ctx)
}

// arguments are those of coreos-installer. The image is the one that the medium holds: its
// checksum was made with the medium, and nothing may be fetched in its place.
func (j *job) arguments() []string {
	args := []string{"install", "--offline", "--ignition-file", j.Ignition}
	if j.NetworkDir != "" {
		args = append(args, "--copy-network", "--network-dir", j.NetworkDir)
	}
	for _, k := range j.Kargs {
		args = append(args, "--append-karg", k)
	}
	return append(args, j.Disk.Path)
}

// progress is in lines such as "Read disk 1.2 GiB/2.5 GiB (48%)".
var progress = regexp.MustCompile(`\((\d{1,3})%\)`)

func percentOf(line string) (int, bool) {
	m := progress.FindStringSubmatch(line)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil && n <= 100
}
