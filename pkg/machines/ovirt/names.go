package ovirt

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/types"
)

// BootstrapName is the name of the bootstrap machine, and of the tag that it
// shares with the temporary machine of the image.
func BootstrapName(infraID string) string { return infraID + "-bootstrap" }

// MasterName is the name of a control-plane machine.
func MasterName(infraID string, n int) string { return fmt.Sprintf("%s-master-%d", infraID, n) }

// WorkerName is the name of a compute machine.
func WorkerName(infraID string, n int) string { return fmt.Sprintf("%s-worker-%d", infraID, n) }

// ImageName is the name of the template, and of the disk that it is made of.
func ImageName(infraID string) string { return infraID + "-rhcos" }

// ImageVMName is the name of the machine that the template is made of.
func ImageVMName(infraID string) string { return "tmpvm-for-" + ImageName(infraID) }

// GroupName is the name in the engine of an affinity group.
func GroupName(infraID, name string) string { return infraID + "-" + name }

// OSType is the only type whose custom script the engine passes on as Ignition.
const OSType = "rhcos_x64"

// An infraID names everything that a destroy removes, so it has to be one.
var infraIDs = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?-[a-z0-9]{5}$`)

func checkInfraID(infraID string) error {
	if !infraIDs.MatchString(infraID) {
		return fmt.Errorf("%q is not an infrastructure ID; it looks like mycluster-x7k2p and stands in metadata.json",
			infraID)
	}
	return nil
}

// role tells from a name what a machine is, empty if it is not of the cluster.
func role(infraID, name string) string {
	switch rest, ok := strings.CutPrefix(name, infraID+"-"); {
	case name == ImageVMName(infraID):
		return "image"
	case !ok:
		return ""
	case rest == machines.Bootstrap:
		return machines.Bootstrap
	default:
		if m := numbered.FindStringSubmatch(rest); m != nil {
			return m[1]
		}
		return ""
	}
}

// joins is what the description of a machine that joins a running cluster says of how it was installed.
const joins = "joins from medium"

// joined reports whether a machine was made to join a running cluster.
func joined(infraID string, vm api.VM) bool {
	return marked(infraID, vm.Description) && note(vm.Description, "joins") == "from medium"
}

// roleOf is the role of a machine: those that joined have the names of their nodes, and say it in their description.
func roleOf(infraID string, vm api.VM) string {
	if joined(infraID, vm) {
		for _, r := range []string{types.MasterPool, types.WorkerPool} {
			if strings.HasPrefix(vm.Description, describe(infraID, r, "")) {
				return r
			}
		}
	}
	return role(infraID, vm.Name)
}

// JoinedName is the name of the machine that becomes a node of that name.
func JoinedName(infraID, node string) string {
	if strings.HasPrefix(node, infraID+"-") {
		return node
	}
	return infraID + "-" + node
}

var numbered = regexp.MustCompile(`^(master|worker)-[0-9]+$`)

// mark is the beginning of every description that we write. It tells our
// objects from others of the same name, also before they carry a tag.
func mark(infraID string) string { return anyMark + infraID + ";" }

// anyMark is what the marks of all clusters begin with.
const anyMark = "okd-install cluster "

func marked(infraID, description string) bool {
	return strings.HasPrefix(description, mark(infraID))
}

// describe joins the mark and what has to be remembered about an object.
func describe(infraID string, notes ...string) string {
	return strings.TrimSpace(mark(infraID) + " " + strings.Join(notes, "; "))
}

// note finds a remembered value in a description.
func note(description, key string) string {
	for _, part := range strings.Split(description, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), key+" "); ok {
			return v
		}
	}
	return ""
}
