package operand

import (
	"fmt"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
)

// health is what an operator found out about what it runs.
type health struct {
	available, progressing, degraded bool
	reason                           string // of what is not well, CamelCase
	message                          string
}

func failed(reason string, err error) health {
	return health{degraded: true, reason: reason, message: err.Error()}
}

func (h health) String() string {
	return fmt.Sprintf("available=%v progressing=%v degraded=%v %s", h.available, h.progressing, h.degraded, h.message)
}

func (h health) conditions() []operator.Condition {
	one := func(kind string, is, good bool) operator.Condition {
		if is != good {
			return operator.Condition{Type: kind, Status: is, Reason: h.reason, Message: h.message}
		}
		return operator.Condition{Type: kind, Status: is, Reason: operator.AsExpected}
	}
	available := one("Available", h.available, true)
	if h.available {
		available.Message = h.message
	}
	return []operator.Condition{available, one("Progressing", h.progressing, false), one("Degraded", h.degraded, false)}
}
