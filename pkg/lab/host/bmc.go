package host

import "net/netip"

// BMC is the management controller of a host, as its operator knows it.
type BMC struct {
	Profile  string     `json:"profile"`
	Address  netip.Addr `json:"address"`
	User     string     `json:"user"`
	Password string     `json:"password"` // in a file for root only, like all of a host
}
