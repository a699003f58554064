package virtualization

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// Resource is the name of the whole file in the paths of explain.
const Resource = "virtualization"

// index matches the index of an item of a list.
var index = regexp.MustCompile(`\[[0-9]*\]`)

// forms has the rules that the tag pattern names. The schema has the same names.
var forms = map[string]func(report.Field, string){
	"object-name":    objectName,
	"label-name":     labelName,
	"quantity":       quantity,
	"image":          image,
	"interface":      interfaceName,
	"schedule":       schedule,
	"url":            checkURL,
	"certificate":    values.Certificates,
	"host-port":      matches(hostPort, "must be a registry as host:port"),
	"channel":        matches(channel, "must be letters, digits, '-', '_' and '.'"),
	"cpu-model":      matches(channel, "must be a CPU model, like Skylake-Server, host-model or host-passthrough"),
	"amount":         amount,
	"part":           matches(part, "must be a number between 0 and 1 with at most three decimals, like 0.055"),
	"data-directory": dataDirectory,
	"device":         matches(device, "must be a path below /dev, like /dev/disk/by-path/pci-0000:04:00.0-nvme-1"),
	"pci-id":         matches(pciID, "must be four hexadecimal digits, like 8086"),
	"pci-ids":        matches(pciIDs, "must be vendor and device id, like 10DE:2236"),
	"pci-address":    matches(pciAddress, "must be a PCI address, like 0000:3b:00.0"),
	"resource-name":  resourceName,
	"pool-name":      matches(poolName, "must be letters, digits and '_'"),
	"bucket":         matches(bucket, "must be 3 to 63 lower-case letters, digits, '.' and '-'"),
	"prefix":         matches(prefix, "must be directories of letters, digits, '.', '_' and '-', without '/' at its ends"),
	"file":           file,
}

var (
	hostPort   = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$`)
	channel    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	part       = regexp.MustCompile(`^(0(\.[0-9]{1,3})?|1)$`)
	device     = regexp.MustCompile(`^/dev/[A-Za-z0-9_.:+@-]+(/[A-Za-z0-9_.:+@-]+)*$`)
	pciID      = regexp.MustCompile(`^[0-9A-Fa-f]{4}$`)
	pciIDs     = regexp.MustCompile(`^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$`)
	pciAddress = regexp.MustCompile(`^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]$`)
	poolName   = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	bucket     = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefix     = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
	number     = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
	percentage = regexp.MustCompile(`^([1-9]?[0-9]|100)%$`)
	ethernet   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

func matches(form *regexp.Regexp, must string) func(report.Field, string) {
	return func(at report.Field, text string) {
		if !form.MatchString(text) {
			at.Invalid(text, "%s", must)
		}
	}
}

func objectName(at report.Field, text string) {
	if !values.IsSubdomain(text) {
		at.Invalid(text, "must be a name of lower-case letters, digits, '-' and '.'")
	}
}

func labelName(at report.Field, text string) {
	if len(validation.IsDNS1123Label(text)) > 0 {
		at.Invalid(text, "must be a name of at most 63 lower-case letters, digits and '-'")
	}
}

func quantity(at report.Field, text string) {
	if q, err := resource.ParseQuantity(text); err != nil || q.Sign() <= 0 {
		at.Invalid(text, "must be a quantity above 0, like 10Gi")
	}
}

// image takes references with a registry: nodes do not expand short names.
func image(at report.Field, text string) {
	if host, _, deeper := strings.Cut(text, "/"); !deeper || host != "localhost" && !strings.ContainsAny(host, ".:") {
		at.Invalid(text, "must begin with a registry, like quay.io/containerdisks/fedora:latest")
	} else if _, err := name.ParseReference(text); err != nil || strings.Contains(text, "://") {
		at.Invalid(text, "must be an image, like quay.io/containerdisks/fedora:latest")
	}
}

// interfaceName refuses what Linux does not take, and what OVN-Kubernetes calls its own.
func interfaceName(at report.Field, text string) {
	switch {
	case len(text) > 15:
		at.Invalid(text, "must have at most 15 characters")
	case !ethernet.MatchString(text):
		at.Invalid(text, "must be the name of a network interface, like eno2")
	case text == machineBridge, text == "br-int", text == "lo", strings.HasPrefix(text, "ovn-k8s-mp"):
		at.Invalid(text, "belongs to the node and its pod network; it is set up when the node is installed")
	}
}

func schedule(at report.Field, text string) {
	// Descriptors and time zones, which the library takes as well, are not known to every consumer.
	err := error(nil)
	if len(strings.Fields(text)) == 5 && !strings.ContainsAny(text, "@=") {
		_, err = cron.ParseStandard(text)
	}
	if err != nil || len(strings.Fields(text)) != 5 || strings.ContainsAny(text, "@=") {
		at.Invalid(text, "must be minute, hour, day, month and weekday in the form of cron, like 0 3 * * *")
	}
}

func checkURL(at report.Field, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		at.Invalid(values.WithoutLogin(text), "must be an http or https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		at.Invalid(values.WithoutLogin(text), "must not have a login, a query or a fragment")
	}
}

// amount is a number of nodes, or how many percent of them.
func amount(at report.Field, text string) {
	if !number.MatchString(text) && !percentage.MatchString(text) || text == "0%" {
		at.Invalid(text, "must be a number of nodes or a percentage, like 1 or 51%%")
	}
}

// systemDirectories are not for disks of VMs, nor are those that contain them.
var systemDirectories = []string{
	"/var/lib/kubelet", "/var/lib/containers", "/var/lib/crio", "/var/lib/etcd", "/var/lib/ovn", "/var/log", "/var/run",
	"/var/tmp",
}

// dataDirectory is a directory that programs may fill on CoreOS.
func dataDirectory(at report.Field, text string) {
	directory := strings.TrimSuffix(text, "/") + "/"
	parts := strings.Split(strings.TrimSuffix(text, "/"), "/")
	switch {
	case len(parts) < 3 || parts[0] != "" || parts[1] != "var" || slices.Contains(parts[1:], "") ||
		slices.Contains(parts, ".") || slices.Contains(parts, ".."):
		at.Invalid(text, "must be a directory below /var, like /var/hpvolumes")
	case slices.ContainsFunc(systemDirectories, func(d string) bool { return strings.HasPrefix(d+"/", directory) }),
		slices.ContainsFunc(systemDirectories, func(d string) bool { return strings.HasPrefix(directory, d+"/") }):
		at.Invalid(text, "is a directory of the operating system or of other programs; write one like /var/hpvolumes")
	}
}

func resourceName(at report.Field, text string) {
	if len(validation.IsQualifiedName(text)) > 0 || !strings.Contains(text, "/") {
		at.Invalid(text, "must be a domain and a name, like nvidia.com/GA102GL_A10")
	}
}

// file is a path in the directory of the file, or an absolute one.
func file(at report.Field, text string) {
	if strings.ContainsAny(text, "\x00\n\r") || strings.HasSuffix(text, "/") {
		at.Invalid(text, "must be the path of a file")
	}
}

func checkLabels(at report.Field, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value := labels[key]
		if errs := validation.IsQualifiedName(key); len(errs) > 0 {
			at.Invalid(key, "must be the key of a label, like node-role.kubernetes.io/worker")
		}
		if errs := validation.IsValidLabelValue(value); len(errs) > 0 {
			at.Child(key).Invalid(value, "must be at most 63 letters, digits, '-', '_' and '.'")
		}
	}
}
