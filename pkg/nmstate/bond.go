package nmstate

import (
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// bondModes are the modes of a bond by their numbers in the kernel.
var bondModes = []string{
	"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
}

// bondOptions are the options of a bond, which have the names of the kernel's; see bonding.rst
// in the documentation of Linux.
var bondOptions = map[string]option{
	"ad_actor_sys_prio": {value: number(1, max16)},
	"ad_actor_system":   {value: macOption},
	"ad_select":         {value: choice("stable", "bandwidth", "count")},
	"ad_user_port_key":  {value: number(0, 1023)},
	"all_slaves_active": {value: allActive},
	"arp_all_targets":   {value: choice("any", "all")},
	"arp_interval":      {value: number(0, max32/2)},
	"arp_ip_target":     {value: addressList},
	"arp_missed_max":    {value: number(1, max8)},
	"arp_validate": {value: choice("none", "active", "backup", "all", "filter", "filter_active",
		"filter_backup")},
	"balance_slb":       {key: "balance-slb", value: flag("1", "0")},
	"balance-slb":       {value: flag("1", "0")},
	"downdelay":         {value: number(0, max32/2)},
	"fail_over_mac":     {value: choice("none", "active", "follow")},
	"lacp_rate":         {value: choice("slow", "fast")},
	"lp_interval":       {value: number(1, max32/2)},
	"miimon":            {value: number(0, max32/2)},
	"min_links":         {value: number(0, max32/2)},
	"num_grat_arp":      {value: number(0, max8)},
	"num_unsol_na":      {value: number(0, max8)},
	"packets_per_slave": {value: number(0, max16)},
	"primary":           {value: func(text string) (string, string) { return text, "" }},
	"primary_reselect":  {value: choice("always", "better", "failure")},
	"resend_igmp":       {value: number(0, max8)},
	"tlb_dynamic_lb":    {value: flag("1", "0")},
	"updelay":           {value: number(0, max32/2)},
	"use_carrier":       {value: flag("1", "0")},
	"xmit_hash_policy": {value: choice("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4",
		"vlan+srcmac")},
}

// bondOnly are the options that NetworkManager refuses, or forgets, in other modes.
var bondOnly = map[string][]string{
	"arp_interval":      {"balance-rr", "active-backup", "balance-xor", "broadcast"},
	"arp_ip_target":     {"balance-rr", "active-backup", "balance-xor", "broadcast"},
	"arp_validate":      {"balance-rr", "active-backup", "balance-xor", "broadcast"},
	"lacp_rate":         {"802.3ad"},
	"packets_per_slave": {"balance-rr"},
	"primary":           {"active-backup", "balance-tlb", "balance-alb"},
	"tlb_dynamic_lb":    {"balance-tlb", "balance-alb"},
}

// allActive is written as a number, which is the only form that NetworkManager takes.
func allActive(text string) (string, string) {
	word, problem := choice("dropped", "delivered")(text)
	if problem != "" {
		return "", problem
	}
	return map[string]string{"dropped": "0", "delivered": "1"}[word], ""
}

func (t *translation) bond(p *profile, at report.Field) {
	set := p.set.Bond
	mode := bondMode(at.Child("mode"), set.Mode)
	if mode != "" {
		p.own.Add("mode", "%s", mode)
	}
	options := at.Child("options")
	addOptions(&p.own, options, set.Options, bondOptions)
	for name := range set.Options {
		if only := bondOnly[name]; mode != "" && only != nil && !slices.Contains(only, mode) {
			options.Child(name).Forbidden("is for mode %s", strings.Join(only, ", "))
		}
	}
	ports, list := set.Port, at.Child("port")
	if set.Ports != nil {
		if set.Port != nil {
			at.Child("ports").Forbidden("is another name of port, which is there as well")
		}
		ports, list = set.Ports, at.Child("ports")
	}
	if len(ports) == 0 {
		at.Child("port").Required("the interfaces that the bond consists of")
	}
	for i, name := range ports {
		t.addPort(p, list.Index(i), name)
	}
	t.checkBondOptions(p, options)
}

func bondMode(at report.Field, value any) string {
	if value == nil {
		at.Required("one of %s", strings.Join(bondModes, ", "))
		return ""
	}
	text, _ := scalar(value)
	mode, problem := choice(bondModes...)(text)
	if problem != "" {
		at.Invalid(text, "%s", problem)
	}
	return mode
}

// checkBondOptions checks options that depend on others.
func (t *translation) checkBondOptions(p *profile, at report.Field) {
	set := map[string]string{}
	for _, v := range p.own {
		set[v.Key] = v.Value
	}
	isOn := func(key string) bool { return set[key] != "" && set[key] != "0" }
	if isOn("miimon") && isOn("arp_interval") {
		at.Child("arp_interval").Forbidden("links are watched by miimon already")
	}
	if isOn("arp_interval") && set["arp_ip_target"] == "" {
		at.Child("arp_ip_target").Required("the addresses that arp_interval asks for")
	}
	if set["arp_ip_target"] != "" && !isOn("arp_interval") {
		at.Child("arp_interval").Required("arp_ip_target has no effect without it")
	}
	for _, key := range []string{"updelay", "downdelay"} {
		if isOn(key) && !isOn("miimon") {
			at.Child("miimon").Required("%s has no effect without it", key)
		}
	}
	if a, b := set["num_grat_arp"], set["num_unsol_na"]; a != "" && b != "" && a != b {
		at.Child("num_unsol_na").Invalid(b, "must be the same as num_grat_arp, which is %s", a)
	}
	if set["balance-slb"] == "1" && (set["mode"] != "balance-xor" || set["xmit_hash_policy"] != "vlan+srcmac") {
		at.Child("balance-slb").Invalid(true, "needs mode balance-xor and xmit_hash_policy vlan+srcmac")
	}
	if p.set.MACAddress != "" && set["mode"] == "active-backup" && set["fail_over_mac"] == "active" {
		at.Child("fail_over_mac").Invalid("active", "the bond has a mac-address of its own")
	}
	primary := set["primary"]
	if primary == "" {
		return
	}
	port := t.byName[primary]
	switch {
	case port == nil || port.controller != p:
		at.Child("primary").NotFound(primary, "is not a port of the bond")
	case port.byMAC:
		at.Child("primary").Invalid(primary, "is identified by its MAC address, so its name is not known")
	}
}
