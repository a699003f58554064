package host

import "path/filepath"

// mount lays the description over what the kernel shows in this network
// namespace, in a mount namespace of its own, and becomes the program that
// follows. The directories of network cards come from the kernel, too.
const mount = `hw=$1; shift
mount -t sysfs -o ro sysfs "$hw/real" &&
	mount -t overlay -o "ro,lowerdir=$hw/sys:$hw/real" overlay "$hw/view" || exit 121
for card in "$hw"/nic/*; do
	name=${card##*/}
	[ -d "$hw/real/devices/virtual/net/$name" ] || continue
	mount -t overlay -o "ro,lowerdir=$card:$hw/real/devices/virtual/net/$name" overlay \
		"$(readlink -f "$hw/view/class/net/$name")" || exit 121
done
exec "$@"`

// Inside is the beginning of a command line that runs systemd-nspawn with the
// description in dir, and Arguments are those that it needs then.
func Inside(dir string) []string {
	return []string{"unshare", "--mount", "--propagation", "private", "--", "sh", "-c", mount, "okd-lab-host", dir}
}

// Arguments of systemd-nspawn.
func Arguments(dir string) []string {
	var argv []string
	for _, name := range []string{"block", "bus", "class", "dev", "devices", "firmware"} {
		argv = append(argv, "--bind-ro="+filepath.Join(dir, viewDir, name)+":/sys/"+name)
	}
	argv = append(argv,
		"--bind-ro="+filepath.Join(dir, udevDir)+":/run/udev",
		"--bind-ro="+filepath.Join(dir, diskDir)+":/dev/disk",
		// nspawn mounts /proc after it has left the host's files behind.
		"--bind-ro="+filepath.Join(dir, procDir)+":"+stash)
	for _, name := range procFiles {
		argv = append(argv, "--bind-ro="+filepath.Join(stash, name)+":/proc/"+name)
	}
	return argv
}

// procFiles are those of /proc that tell the hardware.
var procFiles = []string{"meminfo", "cpuinfo", "cmdline", "swaps", "partitions", "diskstats"}

// Init are arguments of systemd in the host. Its library for devices refuses a /sys
// that is not the kernel's own, unless it is told not to.
func Init() []string { return []string{"systemd.setenv=SYSTEMD_DEVICE_VERIFY_SYSFS=0"} }

// stash is where the files for /proc wait in the machine. nspawn has /run/host
// for what comes from outside.
const stash = "/run/host/proc"
