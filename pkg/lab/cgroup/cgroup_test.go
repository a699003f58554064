package cgroup

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const hybrid = `25 23 0:24 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
27 25 0:26 / /sys/fs/cgroup/cpuset rw shared:3 - cgroup cgroup rw,cpuset
28 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
29 25 0:28 / /elsewhere rw - cgroup2 cgroup2 rw
`
	tests := map[string]struct {
		mounts string
		want   []root
	}{
		"hybrid": {hybrid, []root{
			{path: "/sys/fs/cgroup/cpu,cpuacct"},
			{path: "/sys/fs/cgroup/cpuset", cpuset: true},
			{path: "/sys/fs/cgroup/unified", unified: true},
		}},
		"unified": {
			"30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
			[]root{{path: "/sys/fs/cgroup", unified: true}},
		},
		"none": {"22 27 0:21 / /proc rw - proc proc rw\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parse(strings.NewReader(tt.mounts))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(root{})); d != "" {
				t.Errorf("hierarchies differ (-want +got):\n%s", d)
			}
		})
	}
}
