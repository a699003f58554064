package cdi

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// nextTime is when a schedule comes round after a time.
func nextTime(schedule string, after time.Time) (time.Time, error) {
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return time.Time{}, fmt.Errorf("read schedule %q: %w", schedule, err)
	}
	return s.Next(after), nil
}
