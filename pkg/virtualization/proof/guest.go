package proof

import (
	"context"
	"strings"

	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// panicText is what a Linux kernel writes when it gives up.
const panicText = "Kernel panic - not syncing"

// guest waits for the guest's own sign of life: its agent, or what it writes to the console.
func (r *run) guest(ctx context.Context) outcome {
	proof := ""
	f := r.until(ctx, r.budget(), Guest, func(ctx context.Context) (seen, error) {
		vmi, err := r.instance(ctx)
		if kube.NotFound(err) {
			return broken("its instance is gone", "virtualmachineinstances "+r.namespace+"/"+vmName+" was deleted",
				logs(r.namespace)), nil
		}
		if err != nil {
			return seen{}, err
		}
		if vmi.Status.Phase != virtv1.Running {
			return lookInstance(*vmi), nil
		}
		text := ""
		if r.console != nil {
			_, text, _ = r.console.state()
		}
		if _, after, panicked := strings.Cut(text, panicText); panicked {
			line, _, _ := strings.Cut(after, "\n")
			return broken("its kernel gave up", panicText+printable(line), "name another image with --image; `virtctl "+
				"console` shows what came before"), nil
		}
		agent := conditionOf(conditions(vmi.Status.Conditions), string(virtv1.VirtualMachineInstanceAgentConnected))
		if agent.Status == "True" {
			proof = strings.TrimSpace("the guest agent has connected; the guest is " + vmi.Status.GuestOSInfo.PrettyName)
			proof = strings.TrimSuffix(proof, "; the guest is")
			return seen{}, nil
		}
		if line := guestLine(text); line != "" {
			proof = "the guest writes to the console" + quoted(line)
			return seen{}, nil
		}
		return seen{missing: "VirtualMachineInstance " + r.namespace + "/" + vmName + ": " + agent.String() +
			", and the console has shown no line of the guest"}, nil
	})
	if f != nil {
		if f.next == "" {
			f.next = "use an image with a guest agent or with its login on the first serial port (--image); --timeout gives " +
				"a slow guest more time"
		}
		return under(ctx, f, "the guest gave no sign of life")
	}
	return passed("%s", proof)
}
