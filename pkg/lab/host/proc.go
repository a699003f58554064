package host

import (
	"fmt"
	"strings"
)

// processors says which CPUs there are. The directory of each remains the kernel's:
// the kubelet makes control groups for the CPUs that it finds there, and the kernel
// refuses those that it does not have.
func (t *tree) processors(v View) {
	all := "0"
	if v.CPUs > 1 {
		all = fmt.Sprintf("0-%d", v.CPUs-1)
	}
	t.files(sysDir+"/devices/system/cpu", map[string]string{"online": all, "present": all, "possible": all, "offline": ""})
}

// reserved is what the kernel and the firmware keep of the memory, roughly.
func reserved(mib int64) int64 { return 96<<10 + mib*1024/64 } // in KiB

func (t *tree) memory(v View) {
	// By the number of blocks the whole memory is known, what is reserved included.
	block := int64(1024) // MiB; large computers have large ones
	if v.MemoryMiB%block != 0 {
		block = 128
	}
	t.instead(sysDir + "/devices/system/memory")
	t.file(sysDir+"/devices/system/memory/block_size_bytes", fmt.Sprintf("%x", block<<20))
	for i := range v.MemoryMiB / block {
		t.files(fmt.Sprintf("%s/devices/system/memory/memory%d", sysDir, i), map[string]string{
			"online": "1", "state": "online", "phys_index": fmt.Sprintf("%08x", i),
		})
	}
}

// proc writes the files of /proc that tell the hardware.
func (t *tree) proc(v View) {
	total := v.MemoryMiB*1024 - reserved(v.MemoryMiB)
	var mem strings.Builder
	for _, f := range []struct {
		name string
		kib  int64
	}{
		{"MemTotal", total}, {"MemFree", total * 9 / 10}, {"MemAvailable", total * 93 / 100}, {"Buffers", 4096},
		{"Cached", total / 32}, {"SwapCached", 0}, {"Active", total / 64}, {"Inactive", total / 64},
		{"SwapTotal", 0}, {"SwapFree", 0}, {"Dirty", 0}, {"Writeback", 0}, {"Shmem", 8192}, {"Slab", 65536},
		{"SReclaimable", 32768}, {"SUnreclaim", 32768}, {"CommitLimit", total / 2}, {"Committed_AS", total / 16},
		{"VmallocTotal", 34359738367}, {"VmallocUsed", 16384}, {"VmallocChunk", 0}, {"Hugepagesize", 2048},
	} {
		fmt.Fprintf(&mem, "%-15s %8d kB\n", f.name+":", f.kib)
	}
	mem.WriteString("HugePages_Total:       0\nHugePages_Free:        0\n" +
		"HugePages_Rsvd:        0\nHugePages_Surp:        0\n")
	t.raw(procDir+"/meminfo", []byte(mem.String()), 0o444)
	var cpus strings.Builder
	for i := range v.CPUs {
		fmt.Fprintf(&cpus, cpuinfo, i, v.CPUs, i, v.CPUs, i, i)
	}
	t.raw(procDir+"/cpuinfo", []byte(cpus.String()), 0o444)
	t.file(procDir+"/cmdline", v.Cmdline)
	t.file(procDir+"/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority")
	t.devices(v)
}

// devices lists the block devices.
func (t *tree) devices(v View) {
	var partitions, stats strings.Builder
	partitions.WriteString("major minor  #blocks  name\n\n")
	add := func(name string, n Node, size int64) {
		fmt.Fprintf(&partitions, "%4d %8d %10d %s\n", n.Major, n.Minor, size/1024, name)
		fmt.Fprintf(&stats, "%4d %7d %s%s\n", n.Major, n.Minor, name, strings.Repeat(" 0", 17))
	}
	for i, n := range v.Nodes {
		add(DiskName(i), n, v.Disks[i].Size)
	}
	for _, o := range v.Opticals {
		add(o.Name, o.Node, o.Size)
	}
	t.raw(procDir+"/partitions", []byte(partitions.String()), 0o444)
	t.raw(procDir+"/diskstats", []byte(stats.String()), 0o444)
}

const cpuinfo = `processor	: %d
vendor_id	: GenuineIntel
cpu family	: 6
model		: 106
model name	: Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz
stepping	: 6
microcode	: 0xd0003d1
cpu MHz		: 2400.000
cache size	: 24576 KB
physical id	: 0
siblings	: %d
core id		: %d
cpu cores	: %d
apicid		: %d
initial apicid	: %d
fpu		: yes
fpu_exception	: yes
cpuid level	: 27
wp		: yes
flags		: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht ` +
	`syscall nx rdtscp lm constant_tsc rep_good nopl xtopology cpuid pni pclmulqdq vmx ssse3 fma cx16 sse4_1 sse4_2 ` +
	`movbe popcnt aes xsave avx f16c rdrand lahf_lm abm avx2 bmi1 bmi2
bogomips	: 4800.00
clflush size	: 64
cache_alignment	: 64
address sizes	: 46 bits physical, 57 bits virtual
power management:

`
