package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// device is the disk, one of its partitions or what is made of them.
type device struct{ path, kind string }

// devices lists the disk and all that is on it, layer by layer.
func (j *job) devices(ctx context.Context) ([]device, error) {
	lines, err := Output(ctx, j.Runner, "lsblk", "--noheadings", "--pairs", "--paths",
		"--output", "NAME,TYPE", j.Disk.Path)
	if err != nil {
		return nil, err
	}
	return parseDevices(lines), nil
}

// parseDevices reads lines such as NAME="/dev/sda1" TYPE="part".
// What lsblk cannot print it writes as \x and two digits, so that no value has a quote.
func parseDevices(lines []string) []device {
	var out []device
	for _, l := range lines {
		values := map[string]string{}
		for rest := l; ; {
			key, after, ok := strings.Cut(rest, `="`)
			value, next, closed := strings.Cut(after, `"`)
			if !ok || !closed {
				break
			}
			values[strings.TrimSpace(key)] = value
			rest = next
		}
		if values["NAME"] != "" {
			out = append(out, device{values["NAME"], values["TYPE"]})
		}
	}
	return out
}

// wipe stops what uses the disk without having been asked to, such as volume groups that were
// found at boot, and removes the signatures that would bring it back. Other disks of a group
// or an array keep theirs.
func (j *job) wipe(ctx context.Context) error {
	j.say("removing the signatures of file systems, volume groups and arrays from %s", j.Disk.Path)
	devices, err := j.stopAll(ctx)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if d.kind != "part" || d.path == j.Disk.Path {
			continue
		}
		if _, err := os.Stat(d.path); errors.Is(err, fs.ErrNotExist) {
			j.say("warning: the signatures of partition %s stay, because it has no device file", d.path)
			continue
		}
		if err := j.Runner.Run(ctx, nil, "wipefs", "--all", d.path); err != nil {
			return err
		}
	}
	if err := j.Runner.Run(ctx, nil, "wipefs", "--all", j.Disk.Path); err != nil {
		return err
	}
	return eraseMarks(j.Disk.Path)
}

// stopAll stops what uses the disk, and lists what is on it, what is on top first.
func (j *job) stopAll(ctx context.Context) ([]device, error) {
	devices, err := j.devices(ctx)
	if err != nil {
		// The disk is opened exclusively by what follows, so that one in use is not overwritten.
		j.say("warning: what is on %s cannot be listed: %v", j.Disk.Path, err)
	}
	slices.Reverse(devices)
	for _, d := range devices {
		if err := j.stop(ctx, d, devices); err != nil {
			return nil, fmt.Errorf("stop %s, which is on the disk: %w", d.path, err)
		}
	}
	return devices, nil
}

// stop stops one device that is made of others, without a change to any disk.
func (j *job) stop(ctx context.Context, d device, all []device) error {
	switch {
	case d.kind == "lvm":
		return j.stopGroups(ctx, all)
	case strings.HasPrefix(d.kind, "raid") || d.kind == "md":
		return j.Runner.Run(ctx, nil, "mdadm", "--stop", d.path)
	case d.kind == "crypt":
		return j.Runner.Run(ctx, nil, "cryptsetup", "close", d.path)
	case d.kind == "mpath":
		return fmt.Errorf("%s is a path of a multipath device", j.Disk.Path)
	}
	return nil
}

// stopGroups deactivates the volume groups that have a part of the disk.
func (j *job) stopGroups(ctx context.Context, devices []device) error {
	lines, err := Output(ctx, j.Runner, "pvs", "--noheadings", "--separator", "|", "--options", "pv_name,vg_name")
	if err != nil {
		return err
	}
	for _, l := range lines {
		pv, vg, _ := strings.Cut(strings.TrimSpace(l), "|")
		ours := slices.ContainsFunc(devices, func(d device) bool { return d.path == pv })
		if !ours || vg == "" {
			continue
		}
		if err := j.Runner.Run(ctx, nil, "vgchange", "--activate", "n", vg); err != nil {
			return err
		}
	}
	return nil
}
