package proof

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	virtv1 "kubevirt.io/api/core/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	"sigs.k8s.io/yaml"
)

func TestGuestLine(t *testing.T) {
	for _, tt := range []struct{ text, guest, last string }{
		{"", "", ""},
		{"\r\n\r\n", "", ""},
		{"SeaBIOS (version 1.16)\r\nMachine UUID 1\r\nBooting from Hard Disk...\r\n", "", "Booting from Hard Disk..."},
		{"SeaBIOS\r\n[    0.000000] Linux version 6\r\n", "[    0.000000] Linux version 6", "[    0.000000] Linux version 6"},
		{"\x1b[2J\x1b[1;1Hfedora login: ", "fedora login:", "fedora login:"},
		{"one\rtwo\n\x00\xff\n", "two", "two"},
		{"\x1b[", "", ""},
	} {
		if got := guestLine(tt.text); got != tt.guest {
			t.Errorf("%q: guest's line %q, want %q", tt.text, got, tt.guest)
		}
		if got := lastLine(tt.text); got != tt.last {
			t.Errorf("%q: last line %q, want %q", tt.text, got, tt.last)
		}
	}
}

func FuzzConsoleText(f *testing.F) {
	f.Add("SeaBIOS\r\n\x1b[2Jlogin: ")
	f.Add("\x1b]0;title\x07x")
	f.Add(strings.Repeat("é", 500))
	f.Fuzz(func(t *testing.T, text string) {
		for _, got := range []string{guestLine(text), lastLine(text)} {
			if !utf8.ValidString(got) || len(got) > maxLine+utf8.UTFMax || strings.ContainsFunc(got, func(c rune) bool {
				return !unicode.IsPrint(c)
			}) {
				t.Errorf("%q gives %q", text, got)
			}
		}
	})
}

func TestPodTrouble(t *testing.T) {
	for name, tt := range map[string]struct{ status, reason, cause, next string }{
		"runs":    {"{phase: Running}", "", "", ""},
		"starts":  {"{phase: Pending, containerStatuses: [{state: {waiting: {reason: ContainerCreating}}}]}", "", "", ""},
		"a place": {"{conditions: [{type: PodScheduled, status: 'True'}]}", "", "", ""},
		"no place": {"{conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: no room}]}",
			"unschedulable", "pod ns/p: condition PodScheduled is False: Unschedulable: no room", "oc describe nodes"},
		"waits for a gate": {"{conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]}", "", "", ""},
		"login": {"{containerStatuses: [{name: c, image: i, state: {waiting: {reason: ErrImagePull, " +
			"message: unauthorized}}}]}", "image i cannot be pulled", "container c waits: ErrImagePull: unauthorized",
			"pull secret"},
		"certificate": {"{initContainerStatuses: [{image: i, state: {waiting: {reason: ErrImagePull, " +
			"message: 'x509: bad'}}}]}", "image i", "x509", "additionalTrustBundle"},
		"network": {"{containerStatuses: [{image: i, state: {waiting: {reason: ImagePullBackOff, message: i/o timeout}}}]}",
			"image i", "timeout", "mirror"},
		"name": {"{containerStatuses: [{image: '?', state: {waiting: {reason: InvalidImageName, message: bad}}}]}",
			"image ?", "InvalidImageName", "see that the nodes can pull"},
		"failed": {"{phase: Failed, reason: Evicted, message: disk pressure}", "its pod failed", "Evicted disk pressure",
			"describe pod p"},
		"no bash": {"{containerStatuses: [{name: c, state: {waiting: {reason: CreateContainerError, message: no bash}}}]}",
			"container c cannot be started", "no bash", "describe"},
	} {
		var pod corev1.Pod
		if err := yaml.Unmarshal([]byte("{metadata: {name: p, namespace: ns}, status: "+tt.status+"}"), &pod); err != nil {
			t.Fatal(name, err)
		}
		got := podTrouble(pod)
		if got == nil {
			got = &trouble{}
		}
		if !strings.Contains(got.reason, tt.reason) || !strings.Contains(got.cause, tt.cause) ||
			!strings.Contains(got.next, tt.next) || (got.reason == "") != (tt.reason == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// FuzzObjects feeds the looks at objects that others write.
func FuzzObjects(f *testing.F) {
	f.Add("phase: Running\nconditions: [{type: Ready, status: 'False', reason: x}]")
	f.Add("phase: Failed\nphaseTransitionTimestamps: [{phase: Failed, phaseTransitionTimestamp: '2026-01-01T00:00:00Z'}]")
	f.Add("containerStatuses: [{state: {waiting: {reason: ErrImagePull}}}]")
	f.Fuzz(func(t *testing.T, status string) {
		raw := []byte("{status: {" + status + "}}")
		if !strings.Contains(status, "{") {
			raw = []byte("status:\n  " + strings.ReplaceAll(status, "\n", "\n  "))
		}
		var vm virtv1.VirtualMachine
		var vmi virtv1.VirtualMachineInstance
		var m virtv1.VirtualMachineInstanceMigration
		var dv cdiv1.DataVolume
		var pod corev1.Pod
		if yaml.Unmarshal(raw, &vm) == nil && lookMachine(vm).missing == "" {
			t.Error("a VM without instance is taken for done")
		}
		if yaml.Unmarshal(raw, &vmi) == nil && lookInstance(vmi).missing == "" {
			t.Error("an instance that does not run is taken for done")
		}
		if yaml.Unmarshal(raw, &m) == nil && migrationText(m) == "" {
			t.Error("nothing is said of a migration")
		}
		if yaml.Unmarshal(raw, &dv) == nil && (lookDataVolume(dv).missing == "") != (dv.Status.Phase == cdiv1.Succeeded) {
			t.Errorf("a disk in phase %q: %+v", dv.Status.Phase, lookDataVolume(dv))
		}
		if yaml.Unmarshal(raw, &pod) == nil {
			_ = podTrouble(pod)
		}
	})
}

// probeOnce runs the script as the pod does.
func probeOnce(t *testing.T, ports, seconds string, hosts ...string) (code int, said string) {
	t.Helper()
	return probeWith(t, nil, ports, seconds, hosts...)
}

func probeWith(t *testing.T, env []string, ports, seconds string, hosts ...string) (code int, said string) {
	t.Helper()
	args := append([]string{"-c", probeScript, "probe", ports, seconds}, hosts...)
	cmd := exec.CommandContext(t.Context(), "bash", args...)
	cmd.Env = env
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestProbe(t *testing.T) {
	listen := func(greet string) string {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Write([]byte(greet))
				if greet == "" {
					_ = conn.Close()
				}
			}
		}()
		return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	port := listen("SSH-2.0-x\r\n")
	code, said := probeOnce(t, "1,"+port, "5", "127.0.0.1", "localhost")
	want := "127.0.0.1 port " + port + ` says "SSH-2.0-x"; localhost port ` + port + ` says "SSH-2.0-x"`
	if code != 0 || said != want {
		t.Errorf("code %d, %q, want %q", code, said, want)
	}
	port = listen("")
	if code, said := probeOnce(t, port, "5", "127.0.0.1"); code != 0 || said != "127.0.0.1 port "+port {
		t.Errorf("silent server: code %d, %q", code, said)
	}
	code, said = probeOnce(t, "1,2", "0", "127.0.0.1")
	if code != unreached || said != "127.0.0.1, port 1: Connection refused, port 2: Connection refused" {
		t.Errorf("nobody listens: code %d, %q", code, said)
	}
	code, said = probeWith(t, []string{"PATH=" + t.TempDir()}, port, "5", "127.0.0.1")
	if code != notFound || said != "it has no timeout" {
		t.Errorf("an image with nothing but bash: code %d, %q", code, said)
	}
}

// The VM and the disk are what KubeVirt's and CDI's types know.
func TestObjects(t *testing.T) {
	r := &run{id: "aaa", namespace: "n"}
	r.Options = Options{StorageClass: "fast"}.complete()
	for _, o := range []any{r.machine(), r.disk(), r.service(), r.probe("i", []string{"10.0.0.1"})} {
		raw, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for _, want := range []string{"okd-install.io/virtualization-test: aaa", "app.kubernetes.io/managed-by: okd-install",
			"namespace: \"n\""} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	}
	vm := r.machine()
	if vm.Spec.Template.ObjectMeta.Labels[testLabel] != "aaa" {
		t.Error("the instance and its pod cannot be told from others")
	}
}

func FuzzHost(f *testing.F) {
	f.Add("kvm=1 extension=0 guest=1 model=A CPU")
	f.Add("kvm=0 model=")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHost(text)
		if err == nil && (h.Why() == "") != h.KVM {
			t.Errorf("%q: %+v: %q", text, h, h.Why())
		}
	})
}

// The script reads this machine.
func TestHostScript(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "bash", "-c", hostScript).Output()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	h, err := parseHost(string(out))
	if err != nil || h.Model == "" {
		t.Errorf("%q: %+v, %v", out, h, err)
	}
}
