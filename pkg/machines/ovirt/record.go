package ovirt

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// The engine's record of a cluster is the description of the tag that has the
// cluster's infraID for a name:
//
//	okd-install cluster demo-x7k2p; record 1; domain demo.example.org; api 198.51.100.10; progress begun
//
// Tags of versions that kept no record have the first part alone.
const recordVersion = "1"

var progressWords = map[machines.Progress]string{
	machines.Making: "making", machines.Begun: "begun", machines.HandedOver: "handed-over",
}

// describeRecord is the description of a cluster's tag.
func describeRecord(r machines.Record) string {
	notes := []string{"record " + recordVersion}
	if r.Domain != "" {
		notes = append(notes, "domain "+r.Domain)
	}
	if len(r.APIVIPs) > 0 {
		notes = append(notes, "api "+strings.Join(machines.Texts(r.APIVIPs), " "))
	}
	return describe(r.InfraID, append(notes, "progress "+progressWords[r.Progress])...)
}

// readRecord reads the record in a tag's description, around which people may have
// written something. Words that this version does not know are no record.
func readRecord(infraID, description string) machines.Record {
	r := machines.Record{InfraID: infraID, Progress: machines.Unrecorded}
	at := strings.Index(description, mark(infraID))
	if at < 0 {
		return r
	}
	description = description[at:]
	r.Domain = note(description, "domain")
	for _, text := range strings.Fields(note(description, "api")) {
		if vip, err := netip.ParseAddr(text); err == nil {
			r.APIVIPs = append(r.APIVIPs, vip)
		}
	}
	if note(description, "record") == "" {
		return r
	}
	for progress, word := range progressWords {
		if note(description, "progress") == word {
			r.Progress = progress
		}
	}
	return r
}

// Recorded is what the cluster's tag says.
func (p *Provider) Recorded(ctx context.Context, infraID string) (machines.Record, error) {
	if err := checkInfraID(infraID); err != nil {
		return machines.Record{}, err
	}
	tag, err := p.Engine.FindTag(ctx, infraID)
	if err != nil {
		return machines.Record{}, fmt.Errorf("read the record of cluster %s: %w", infraID, err)
	}
	if tag == nil {
		return machines.Record{InfraID: infraID}, nil
	}
	return readRecord(infraID, tag.Description), nil
}

// Record writes to the cluster's tag, which is made if it is gone.
func (p *Provider) Record(ctx context.Context, r machines.Record) error {
	if err := checkInfraID(r.InfraID); err != nil {
		return err
	}
	p.tags.Lock()
	defer p.tags.Unlock()
	var tag *api.Tag
	err := p.settle(ctx, p.Limit, func(ctx context.Context) (bool, error) {
		found, err := p.Engine.FindTag(ctx, r.InfraID)
		tag = found
		return tag != nil && redescribe(r, tag.Description) == tag.Description, err
	}, func(ctx context.Context) error {
		if tag == nil {
			_, err := p.Engine.CreateTag(ctx, r.InfraID, describeRecord(r))
			return err
		}
		return p.Engine.DescribeTag(ctx, *tag, redescribe(r, tag.Description))
	})
	if err != nil {
		return fmt.Errorf("record at the engine that cluster %s is: %s: %w", r.InfraID, r.Progress, err)
	}
	return nil
}

// redescribe is the description of a tag that had another one: what it knew of
// the cluster stays, and so does what others have written.
func redescribe(r machines.Record, was string) string {
	have := readRecord(r.InfraID, was)
	r.Progress = max(r.Progress, have.Progress)
	if have.Domain != "" {
		r.Domain = have.Domain
	}
	if len(have.APIVIPs) > 0 {
		r.APIVIPs = have.APIVIPs
	}
	text := describeRecord(r)
	own := describeRecord(have)
	if have.Progress == machines.Unrecorded {
		own = strings.TrimSuffix(mark(r.InfraID), ";")
	}
	switch rest, ours := strings.CutPrefix(was, own); {
	case was == "":
		return text
	case ours:
		return strings.TrimRight(text+rest, "; ")
	case marked(r.InfraID, was):
		return text
	}
	return text + "; " + was
}

// Clusters reads the tags of all clusters that this installer has begun.
func (p *Provider) Clusters(ctx context.Context) ([]machines.Record, error) {
	tags, err := p.Engine.Tags(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for other clusters: %w", err)
	}
	var out []machines.Record
	for _, t := range tags {
		if infraIDs.MatchString(t.Name) && strings.Contains(t.Description, mark(t.Name)) {
			out = append(out, readRecord(t.Name, t.Description))
		}
	}
	return out, nil
}

// begin records that a bootstrap host starts: from then on a cluster may live.
func (p *Provider) begin(ctx context.Context, pl plan.Plan) error {
	r := machines.Record{InfraID: pl.InfraID}
	if spec, ok := specOf[plan.Tag](pl, plan.KindTag, pl.InfraID); ok {
		r = readRecord(pl.InfraID, spec.Description)
	}
	r.Progress = machines.Begun
	return p.Record(ctx, r)
}
