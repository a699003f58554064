package virtualization

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// kind is the type of the storage, as the file has it or by what is in it.
func (s *Storage) kind() string {
	switch {
	case s.Type != "":
		return s.Type
	case s.LVM != nil:
		return LVMStorage
	case s.HostPath != nil:
		return HostPathStorage
	case s.Class != "":
		return ExistingStorage
	}
	return HostPathStorage
}

// NodeBound reports whether disks are on one node, so that VMs with disks cannot migrate, as far as that is known.
func (s *Storage) NodeBound() bool {
	switch s.kind() {
	case HostPathStorage, LVMStorage:
		return true
	case ExistingStorage:
		return s.Profile != nil && !s.Profile.shared()
	}
	return false
}

func (p *StorageProfile) shared() bool {
	for _, mode := range p.AccessModes {
		if mode == "ReadWriteMany" {
			return true
		}
	}
	return false
}

func (s *Storage) check(k report.Field) {
	if k.Child("type").Broken() {
		return
	}
	kind := s.kind()
	class := k.Child("class")
	if s.HostPath != nil && kind != HostPathStorage {
		k.Child("hostPath").Forbidden("is for type %s, but the type is %s", HostPathStorage, kind)
	}
	if s.LVM != nil && kind != LVMStorage {
		k.Child("lvm").Forbidden("is for type %s, but the type is %s", LVMStorage, kind)
	}
	if s.Profile != nil && kind != ExistingStorage {
		k.Child("profile").Forbidden("is for type %s; what %s can do is known", ExistingStorage, kind)
	}
	switch kind {
	case ExistingStorage:
		if s.Class == "" {
			class.Required("the name of the StorageClass")
		}
	case LVMStorage:
		s.LVM.check(k.Child("lvm"), class, s.Class)
	case NoStorage:
		if s.Class != "" {
			class.Forbidden("is for another type than %s", NoStorage)
		}
		for _, f := range []struct {
			name string
			on   *bool
		}{{"defaultForVMs", s.DefaultForVMs}, {"defaultForCluster", s.DefaultForCluster}} {
			if f.on != nil && *f.on {
				k.Child(f.name).Forbidden("there is no class with type %s", NoStorage)
			}
		}
	}
	seen := values.Unique{}
	for i, r := range s.InsecureRegistries {
		seen.Add(k.Child("insecureRegistries").Index(i), r, strings.ToLower(r))
	}
}

// check applies the rules for LVM; nil has no disks.
func (l *LVM) check(k, class report.Field, name string) {
	if l == nil || len(l.Devices)+len(l.OptionalDevices) == 0 {
		k.Child("devices").Required("the disks that LVM may use; it would take every unused disk of the nodes otherwise")
	}
	if l == nil {
		return
	}
	if want := l.class(); name != "" && name != want {
		class.Invalid(name, "LVM storage calls its class %s, after deviceClass; leave it out", want)
	}
	seen := values.Unique{}
	for _, list := range []struct {
		name  string
		paths []string
	}{{"devices", l.Devices}, {"optionalDevices", l.OptionalDevices}} {
		for i, path := range list.paths {
			at := k.Child(list.name).Index(i)
			seen.Add(at, path, path)
			if strings.Count(path, "/") == 2 && !strings.HasPrefix(path, "/dev/md") {
				at.Warn(path, "may be another disk after a restart; a link below /dev/disk/by-path or by-id stays")
			}
		}
	}
}

// class is the name of the StorageClass that LVM storage makes.
func (l *LVM) class() string {
	if l == nil || l.DeviceClass == "" {
		return "lvms-vg1"
	}
	return "lvms-" + l.DeviceClass
}
