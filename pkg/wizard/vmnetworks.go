package wizard

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// networks asks for networks of VMs, until there are no more.
func (v *Virtualization) networks(ctx context.Context) error {
	q := Question{"Attach VMs to a network of yours?", "Besides the pod network, in which every VM is."}
	for {
		more, err := v.Ask.Confirm(ctx, q, false)
		if err != nil || !more {
			return err
		}
		if err := v.network(ctx); err != nil {
			return err
		}
		q = Question{Message: "Another network?"}
	}
}

func (v *Virtualization) network(ctx context.Context) error {
	i := len(v.draft.Networks)
	v.draft.Networks = append(v.draft.Networks, virtualization.Network{})
	n, at := &v.draft.Networks[i], fmt.Sprintf("networks[%d]", i)
	if err := v.text(ctx, Question{"Network Name", "What VMs call it."}, "", Required(&n.Name), at+".name"); err != nil {
		return err
	}
	machine := choice{"machine network (that of the nodes, with or without VLAN)", func(ctx context.Context) error {
		n.Localnet = &virtualization.LocalnetNetwork{}
		return v.vlan(ctx, &n.Localnet.VLAN, at+".localnet.vlan")
	}}
	bridge := choice{"bridge (of network cards that the nodes do not use)", func(ctx context.Context) error {
		n.Bridge = &virtualization.BridgeNetwork{}
		if err := v.bridge(ctx, n.Bridge, at+".bridge.name"); err != nil {
			return err
		}
		return v.vlan(ctx, &n.Bridge.VLAN, at+".bridge.vlan")
	}}
	q := Question{"Where is it?", "Other kinds of networks can be added to the file."}
	return v.choose(ctx, q, []choice{machine, bridge})
}

func (v *Virtualization) vlan(ctx context.Context, field *int, at string) error {
	return v.text(ctx, Question{"VLAN", "Its number, empty for none."}, "", func(answer string) error {
		*field = 0
		if answer == "" {
			return nil
		}
		id, err := strconv.Atoi(answer)
		if err != nil || id < 1 {
			return errors.New("must be a number between 1 and 4094")
		}
		*field = id
		return nil
	}, at)
}

// bridge asks for a bridge, which a policy makes if the release can have one.
func (v *Virtualization) bridge(ctx context.Context, b *virtualization.BridgeNetwork, at string) error {
	err := v.text(ctx, Question{"Bridge", "The name of the bridge on the nodes."}, "br1", Required(&b.Name), at)
	if err != nil {
		return err
	}
	for _, p := range v.draft.HostNetwork {
		if p.Name == b.Name { // of a network before
			return nil
		}
	}
	trial := virtualization.HostNetworkPolicy{Name: "trial", Bridges: []virtualization.Bridge{{Name: b.Name}}}
	if !v.available(virtualization.Config{HostNetwork: []virtualization.HostNetworkPolicy{trial}}, "hostNetwork") {
		return nil // the nodes must have it
	}
	yes, err := v.Ask.Confirm(ctx, Question{"Make this bridge on the nodes?",
		"With NMState, on every node that runs VMs. Otherwise the nodes must have it."}, true)
	if err != nil || !yes {
		return err
	}
	return v.policy(ctx, b.Name)
}

// policy asks for the network cards of a bridge.
func (v *Virtualization) policy(ctx context.Context, bridge string) error {
	i := len(v.draft.HostNetwork)
	var cards []string
	set := func(answer string) error {
		if err := list(&cards)(answer); err != nil {
			return err
		}
		v.draft.HostNetwork = append(v.draft.HostNetwork[:i:i], cardsOf(bridge, i, cards))
		return nil
	}
	at := fmt.Sprintf("hostNetwork[%d]", i)
	err := v.text(ctx, Question{"Network Cards", "Their names on the nodes, with commas between them. The card with the " +
		"node's own address must not be among them. Several become a bond."}, "", set, at)
	if err != nil || len(cards) < 2 {
		return err
	}
	mode := &v.draft.HostNetwork[i].Bonds[0].Mode
	take := func(m string) func(context.Context) error {
		return func(context.Context) error { *mode = m; return nil }
	}
	return v.choose(ctx, Question{"Mode of the bond", "802.3ad needs LACP on the switch."}, []choice{
		{"active-backup (one card at a time)", take("active-backup")},
		{"802.3ad (all cards, with LACP)", take("802.3ad")},
		{"balance-xor (all cards, without LACP)", take("balance-xor")},
	})
}

// cardsOf is the policy with a bridge of some network cards.
func cardsOf(bridge string, i int, cards []string) virtualization.HostNetworkPolicy {
	p := virtualization.HostNetworkPolicy{Name: bridge, Bridges: []virtualization.Bridge{{Name: bridge, Ports: cards}}}
	if len(cards) > 1 {
		bond := fmt.Sprintf("bond%d", 101+i) // out of the way of those that hosts have
		p.Bonds = []virtualization.Bond{{Name: bond, Ports: cards}}
		p.Bridges[0].Ports = []string{bond}
	}
	return p
}

// migrationNetwork asks for a network of its own for migrations.
func (v *Virtualization) migrationNetwork(ctx context.Context) error {
	if v.single() {
		return nil
	}
	yes, err := v.Ask.Confirm(ctx, Question{"Use a network of its own for live migrations?",
		"The memory of VMs goes through the pod network otherwise."}, false)
	if err != nil || !yes {
		return err
	}
	m := &virtualization.MacvlanNetwork{}
	at := fmt.Sprintf("networks[%d].macvlan", len(v.draft.Networks))
	v.draft.Networks = append(v.draft.Networks, virtualization.Network{Name: "migrations", Macvlan: m})
	err = v.text(ctx, Question{"Interface for migrations", "Its name on the nodes."}, "", Required(&m.Interface),
		at+".interface")
	if err != nil {
		return err
	}
	return v.text(ctx, Question{"Subnet for migrations",
		"Each node gets an address of it. No other machine may use these."}, "", prefix(&m.Subnet), at+".subnet")
}
