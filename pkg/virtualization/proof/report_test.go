package proof_test

import (
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
)

func TestReport(t *testing.T) {
	r := &proof.Report{ID: "aaa", Server: "https://api.demo.test:6443",
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Duration: proof.Duration(83 * time.Second),
		KubeVirt: "v1.6.0", Emulation: true,
		Results: []proof.Result{
			{Name: proof.KubeVirt, Status: proof.Passed, Reason: "KubeVirt kubevirt/kubevirt v1.6.0 is deployed"},
			{Name: proof.Running, Status: proof.Failed, Reason: "VM n/proof does not run: unschedulable",
				Cause:    "pod n/virt-launcher-proof-x: condition PodScheduled is False: \"<0/3>\" \x1b nodes",
				Next:     "oc describe nodes",
				Duration: proof.Duration(16*time.Second + 1500*time.Millisecond)},
			{Name: proof.Migration, Status: proof.Skipped, Reason: "the VM does not run"},
		}}
	for form, text := range forms(t, r) {
		golden.Compare(t, "testdata/report."+string(form), text)
	}
	r.Interrupted = true
	forms(t, r)
	forms(t, &proof.Report{Results: []proof.Result{}})
}
