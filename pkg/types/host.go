package types

import "strings"

// AgentHost is what install-config.yaml says of a host that registers itself.
type AgentHost struct {
	Name, Role, BootMACAddress string
	RootDeviceHints            *RootDeviceHints
	NetworkConfig              map[string]any
}

// RootDeviceHints picks the disk to install on.
type RootDeviceHints struct {
	// DeviceName is the disk's path. /dev/sda, or below /dev/disk/by-path/.
	DeviceName string `json:"deviceName,omitempty"`
	// HCTL is the disk's SCSI bus address, like 0:0:0:0.
	HCTL string `json:"hctl,omitempty"`
	// Model is part of the model that the vendor calls the disk.
	Model string `json:"model,omitempty"`
	// Vendor is part of the name of the disk's vendor.
	Vendor string `json:"vendor,omitempty"`
	// SerialNumber is the serial number of the disk, all of it.
	SerialNumber string `json:"serialNumber,omitempty"`
	// MinSizeGigabytes is the least size of the disk in GiB.
	MinSizeGigabytes int `json:"minSizeGigabytes,omitempty"`
	// WWN is the world wide name of the disk, all of it.
	WWN string `json:"wwn,omitempty"`
	// WWNWithExtension is the world wide name with the vendor's extension.
	WWNWithExtension string `json:"wwnWithExtension,omitempty"`
	// WWNVendorExtension is the vendor's extension of the world wide name.
	WWNVendorExtension string `json:"wwnVendorExtension,omitempty"`
	// Rotational says whether the disk spins.
	Rotational *bool `json:"rotational,omitempty"`
}

// Validate implements Validator.
func (h *RootDeviceHints) Validate(k Check) {
	if name := h.DeviceName; name != "" {
		rest, ok := strings.CutPrefix(name, "/dev/")
		switch at := k.Child("deviceName"); {
		case !ok:
			at.Invalid(name, "must be a path below /dev")
		case strings.Contains(strings.TrimPrefix(rest, "disk/by-path/"), "/"):
			at.Invalid(name, "must be directly in /dev/ or in /dev/disk/by-path/")
		}
	}
	if h.MinSizeGigabytes < 0 {
		k.Child("minSizeGigabytes").Invalid(h.MinSizeGigabytes, "must not be negative")
	}
	if !k.Options.Agent {
		return
	}
	// Hosts that register themselves report no extensions.
	if h.WWNWithExtension != "" {
		k.Child("wwnWithExtension").Forbidden("no host reports it; use wwn")
	}
	if h.WWNVendorExtension != "" {
		k.Child("wwnVendorExtension").Forbidden("no host reports it; use wwn")
	}
}
