package object

import (
	"slices"
	"time"
)

// Condition is one statement of an object about itself.
type Condition struct {
	Type    string
	Status  string // True, False, Unknown
	Reason  string
	Message string
}

// Style is how a kind of object writes its conditions.
type Style struct {
	Heartbeat  bool  // lastHeartbeatTime, as OpenShift's conditions
	Generation int64 // observedGeneration, as Kubernetes'; 0 for none
}

// SetCondition puts a condition into a list as JSON has it. Only a change of status moves its time.
func SetCondition(list []any, c Condition, s Style, now time.Time) []any {
	stamp := now.UTC().Format(time.RFC3339)
	i := slices.IndexFunc(list, func(v any) bool {
		m, _ := v.(map[string]any)
		return m["type"] == c.Type
	})
	if i < 0 {
		list, i = append(list, Object{"type": c.Type}), len(list)
	}
	have, _ := list[i].(map[string]any)
	m := Object{"type": c.Type, "status": c.Status, "lastTransitionTime": have["lastTransitionTime"]}
	if have["status"] != c.Status {
		m["lastTransitionTime"] = stamp
	}
	if c.Reason != "" || s.Generation > 0 {
		m["reason"] = c.Reason
	}
	if c.Message != "" || s.Generation > 0 {
		m["message"] = c.Message
	}
	if s.Generation > 0 {
		m["observedGeneration"] = s.Generation
	}
	if s.Heartbeat {
		m["lastHeartbeatTime"] = have["lastHeartbeatTime"]
		if have["status"] != c.Status || text(have["reason"]) != c.Reason || text(have["message"]) != c.Message {
			m["lastHeartbeatTime"] = stamp
		}
	}
	list[i] = m
	return list
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// Conditions reads a list of conditions.
func Conditions(list []any) []Condition {
	var out []Condition
	for _, v := range list {
		m, _ := v.(map[string]any)
		out = append(out, Condition{
			Type: text(m["type"]), Status: text(m["status"]), Reason: text(m["reason"]), Message: text(m["message"]),
		})
	}
	return out
}

// Find is the condition of a type.
func Find(list []Condition, kind string) (Condition, bool) {
	i := slices.IndexFunc(list, func(c Condition) bool { return c.Type == kind })
	if i < 0 {
		return Condition{}, false
	}
	return list[i], true
}
