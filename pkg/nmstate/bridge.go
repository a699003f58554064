package nmstate

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// bridgeOptions are the options of a bridge. Times are in hundredths of a second where the
// kernel has them so.
var bridgeOptions = map[string]option{
	"group-addr":                        {key: "group-address", value: groupAddress},
	"group-forward-mask":                {value: number(0, max16)},
	"group-fwd-mask":                    {key: "group-forward-mask", value: number(0, max16)},
	"hash-max":                          {key: "multicast-hash-max", value: number(1, max32)},
	"mac-ageing-time":                   {key: "ageing-time", value: number(0, 1_000_000)},
	"multicast-last-member-count":       {value: number(0, max32)},
	"multicast-last-member-interval":    {value: number(0, max32)},
	"multicast-membership-interval":     {value: number(0, max32)},
	"multicast-querier":                 {value: flag("true", "false")},
	"multicast-querier-interval":        {value: number(0, max32)},
	"multicast-query-interval":          {value: number(0, max32)},
	"multicast-query-response-interval": {value: number(0, max32)},
	"multicast-query-use-ifaddr":        {value: flag("true", "false")},
	"multicast-router":                  {value: choice("disabled", "auto", "enabled")},
	"multicast-snooping":                {value: flag("true", "false")},
	"multicast-startup-query-count":     {value: number(0, max32)},
	"multicast-startup-query-interval":  {value: number(0, max32)},
}

// stpOptions are the options of the spanning tree, in seconds; see IEEE 802.1D.
var stpOptions = map[string]option{
	"enabled":       {key: "stp", value: flag("true", "false")},
	"forward-delay": {value: number(2, 30)},
	"hello-time":    {value: number(1, 10)},
	"max-age":       {value: number(6, 40)},
	"priority":      {value: number(0, max16)},
}

// groupAddress is one of the addresses 01:80:C2:00:00:0X that bridges may listen to.
func groupAddress(text string) (string, string) {
	const first = "01:80:C2:00:00:0"
	for _, last := range "0456789ABCDEF" {
		if strings.EqualFold(text, first+string(last)) {
			return first + string(last), ""
		}
	}
	return "", "must be 01:80:C2:00:00:00, or one from 01:80:C2:00:00:04 to 01:80:C2:00:00:0F"
}

func (t *translation) bridge(p *profile, at report.Field) {
	set := p.set.Bridge
	options := at.Child("options")
	rest := map[string]any{}
	for name, value := range set.Options {
		if name != "stp" {
			rest[name] = value
			continue
		}
		stp, ok := value.(map[string]any)
		if !ok {
			options.Child("stp").Invalid(value, "must be a mapping of keys to values")
		}
		addOptions(&p.own, options.Child("stp"), stp, stpOptions)
	}
	if set.Options["group-forward-mask"] != nil && set.Options["group-fwd-mask"] != nil {
		options.Child("group-fwd-mask").Forbidden("is another name of group-forward-mask, which is there as well")
	}
	addOptions(&p.own, options, rest, bridgeOptions)
	ports, list := set.Port, at.Child("port")
	if set.Ports != nil {
		if set.Port != nil {
			at.Child("ports").Forbidden("is another name of port, which is there as well")
		}
		ports, list = set.Ports, at.Child("ports")
	}
	for i := range ports {
		t.bridgePort(p, list.Index(i), &ports[i])
	}
}

func (t *translation) bridgePort(bridge *profile, at report.Field, set *BridgePort) {
	if len(set.VLAN) > 0 {
		at.Child("vlan").Forbidden("cannot be translated to a profile of NetworkManager; " +
			"make a VLAN, and a bridge on it")
	}
	port := t.addPort(bridge, at.Child("name"), set.Name)
	if port == nil {
		return
	}
	bound := func(key string, value *uint32, least, most uint32) {
		if value != nil && (*value < least || *value > most) {
			at.Child(key).Invalid(*value, "must be between %d and %d", least, most)
		}
	}
	bound("stp-path-cost", set.PathCost, 1, max16)
	bound("stp-priority", set.Priority, 0, 63)
	port.portSettings.AddFlag("hairpin-mode", set.Hairpin)
	port.portSettings.AddNumber("path-cost", set.PathCost)
	port.portSettings.AddNumber("priority", set.Priority)
}
