package derive

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/explain"
)

// settle compares what is said about defaults in struct tags and doc comments
// with what Load does, and takes out of the descriptions what the schema says.
func (w *walker) settle(s *explain.Schema, at path) {
	for name, p := range s.Object().Properties {
		child := at.child(name)
		if s.Items != nil {
			child = at.child("[]").child(name)
		}
		if s.Requires(name) { // what is written always has no default
			p.Default, w.tags[p] = nil, ""
			p.Description = cut(p.Description, defaultSentence.FindString(p.Description))
		}
		w.settleField(p, child)
		w.settle(p, child)
	}
}

// computed are fields whose default depends on other fields: the comment tells
// how, a value would only be right for the defaults of those.
var computed = []string{
	"platform.baremetal.bootstrapProvisioningIP", "platform.baremetal.clusterProvisioningIP",
	"platform.baremetal.provisioningDHCPRange",
}

// unlike are fields with another default than the same field elsewhere, so that
// the tag of the type cannot tell it. The comment has to.
var unlike = []string{"arbiter.replicas"}

func (w *walker) settleField(s *explain.Schema, at path) {
	if slices.Contains(computed, at.String()) {
		s.Default = nil
		return
	}
	tag, said := w.tags[s], defaultSentence.FindStringSubmatch(s.Description)
	switch shown := strings.Trim(s.DefaultText(), `"`); {
	case s.Default == nil && tag != "" && tag != "false" && !slices.Contains(at, "defaultMachinePlatform"):
		w.errs = append(w.errs, fmt.Errorf("%s: the tag says default %s, Load fills in nothing", at, tag))
	case s.Default != nil && tag != "" && tag != shown && !slices.Contains(unlike, at.String()):
		w.errs = append(w.errs, fmt.Errorf("%s: the tag says default %s, Load fills in %s", at, tag, shown))
	case s.Default != nil && said != nil && !mentions(said[1], s.Default):
		w.errs = append(w.errs, fmt.Errorf("%s: the comment says %q, Load fills in %s", at, said[0], shown))
	}
	if said != nil && (s.Default != nil || said[1] == "none" || said[1] == "false") {
		s.Description = cut(s.Description, said[0])
	}
	var values []string
	for _, v := range s.Object().Enum {
		values = append(values, fmt.Sprint(v))
	}
	if said := "One of " + strings.Join(values, ", ") + "."; strings.Contains(s.Description, said) {
		s.Description = cut(s.Description, said)
	}
}

// defaultSentence is how comments name a default.
var defaultSentence = regexp.MustCompile(`Default: (.*?)\.(?: |$)`)

// cut takes one sentence out of a text.
func cut(text, sentence string) string {
	if sentence == "" {
		return text
	}
	return strings.TrimSpace(strings.Replace(strings.Replace(text, sentence, "", 1), "  ", " ", 1))
}

// mentions says whether a sentence has any of the values of a default.
func mentions(sentence string, value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, e := range v {
			if mentions(sentence, e) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return mentions(sentence, e) })
	}
	return strings.Contains(sentence, fmt.Sprint(value))
}
