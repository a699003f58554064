package handoff

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/machines"
)

// vm is the bootstrap host in each of the ways in which it can be there.
type vm string

const (
	none   vm = "none"
	fresh  vm = "down, never ran"
	runs   vm = "up"
	halted vm = "down, ran"
)

var (
	silent      = API{URL: "https://api", Asked: true, Silent: errors.New("no route")}
	incomplete  = API{URL: "https://api", Asked: true}
	complete    = API{URL: "https://api", Asked: true, Complete: true}
	moved       = API{URL: "https://api", Asked: true, Complete: true, Moved: true}
	movedNoWord = API{URL: "https://api", Asked: true, Moved: true}
)

// seen puts evidence together; masters are there unless nothing is.
func seen(progress machines.Progress, boot vm, api API) Evidence {
	e := Evidence{Record: machines.Record{Progress: progress}, API: api}
	if progress != machines.ByHand {
		e.Machines = []machines.Machine{{Name: "m0", Role: "master", Status: "up", Runs: true, Ran: true}}
	}
	switch boot {
	case fresh:
		e.Machines = append(e.Machines, machines.Machine{Name: "boot", Role: "bootstrap", Status: "down"})
	case runs:
		e.Machines = append(e.Machines, machines.Machine{Name: "boot", Role: "bootstrap", Status: "up", Runs: true,
			Ran: true})
	case halted:
		e.Machines = append(e.Machines, machines.Machine{Name: "boot", Role: "bootstrap", Status: "down", Ran: true})
	}
	return e
}

// TestEveryCombination goes through all evidence that there can be and holds it
// against the rules, which are written down here once more, the other way
// round: what has to be true for an answer.
func TestEveryCombination(t *testing.T) {
	n := 0
	for progress := machines.NoRecord; progress <= machines.HandedOver; progress++ {
		for _, boot := range []vm{none, fresh, runs, halted} {
			for _, api := range []API{{}, silent, incomplete, complete, moved, movedNoWord} {
				for _, started := range []bool{false, true} {
					for _, marked := range []bool{false, true} {
						for _, platform := range []error{nil, errors.New("engine down")} {
							for _, nothing := range []bool{false, true} {
								e := seen(progress, boot, api)
								if nothing {
									e.Machines = nil
								}
								if platform != nil {
									e.Record, e.Machines = machines.Record{}, nil
								}
								e.Started, e.Marked, e.Platform = started, marked, platform
								n++
								check(t, e)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d combinations", n)
}

func check(t *testing.T, e Evidence) {
	t.Helper()
	v := e.Judge()
	bad := func(format string, args ...any) { t.Errorf("%+v: %+v: %s", e, v, fmt.Sprintf(format, args...)) }
	answered := e.API.Asked && e.API.Silent == nil
	recorded := e.Marked || e.Record.Progress == machines.HandedOver
	if v.Why == "" {
		bad("no reason")
	}
	if v.Answer == Yes && !recorded && !(answered && e.API.Complete && e.API.Moved) {
		bad("yes without a record or the word of the cluster")
	}
	if v.Answer == No && recorded {
		bad("no against a record")
	}
	if v.Answer != Unknown && e.Platform != nil && !e.Marked {
		bad("the platform was not asked")
	}
	boot, there := e.bootstrap()
	ran := there && boot.Ran
	if v.Answer == No && !answered && !there && len(e.Machines) > 0 && e.Record.Progress != machines.Making {
		bad("silence, and no bootstrap host: a cluster may live")
	}
	if v.Answer == No && !answered && ran && !boot.Runs {
		bad("silence, and a bootstrap host that ran: a cluster may live")
	}
	if v.Answer == No && answered && e.API.Moved && e.Record.Progress != machines.Making && !e.Absent() {
		bad("no against the word of the cluster")
	}
	if v.Untouched && (ran || v.Answer != No) {
		bad("a bootstrap host that ran is not untouched")
	}
	if v.Running && (answered || !boot.Runs) {
		bad("running is for a bootstrap host that runs beside a silent API")
	}
	if e.Absent() && v.Answer == No && e.Started {
		bad("the state says that machines were made")
	}
	// What is settled stays, whatever the API says.
	if e.Settled() {
		for _, api := range []API{{}, silent, incomplete, complete, moved, movedNoWord} {
			other := e
			other.API = api
			if got := other.Judge(); got != v {
				bad("settled, but %+v makes it %+v", api, got)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	marked := func(e Evidence) Evidence { e.Marked, e.Started = true, true; return e }
	tests := []struct {
		name string
		e    Evidence
		want Answer
		why  string
	}{
		{"a new installation", Evidence{}, No, "nothing of the cluster"},
		{"killed while machines were made", seen(machines.Making, none, API{}), No, "never been started"},
		{"killed between creation and record", seen(machines.Making, fresh, API{}), No, "never been started"},
		{"killed between record and start", seen(machines.Begun, fresh, silent), No, "has never run"},
		{"killed after the start", seen(machines.Begun, runs, silent), No,
			"still runs, and the API at https://api does not say: no route"},
		{"killed while it bootstraps", seen(machines.Begun, runs, incomplete), No, "not complete"},
		{"killed before etcd moved", seen(machines.Begun, runs, complete), No, "etcd still has a member"},
		{"killed between proof and record", seen(machines.Begun, runs, moved), Yes, "the API"},
		{"killed while the host was removed", seen(machines.HandedOver, halted, silent), Yes, "record"},
		{"complete and silent", seen(machines.HandedOver, none, silent), Yes, "record"},
		{"complete and silent, only the state knows", marked(seen(machines.Begun, none, silent)), Yes, "the state"},
		{"the tag is gone, the state knows", marked(seen(machines.NoRecord, none, silent)), Yes, "the state"},
		{"an older version's, silent", seen(machines.Unrecorded, none, silent), Unknown,
			"does not say: no route; there is no bootstrap host any more"},
		{"an older version's, in bootstrap", seen(machines.Unrecorded, runs, silent), No, "still runs"},
		{"an older version's, answers", seen(machines.Unrecorded, none, moved), Yes, "the API"},
		{"an older version's, only an image", Evidence{Record: machines.Record{Progress: machines.Unrecorded},
			API: silent}, No, "no machine"},
		{"the bootstrap host lost its power", seen(machines.Begun, halted, silent), Unknown, "has run, and is down"},
		{"somebody removed the bootstrap host", seen(machines.Begun, none, silent), Unknown, "no bootstrap host"},
		{"another engine", Evidence{Started: true}, Unknown, "another platform"},
		{"destroyed from elsewhere", Evidence{Started: true, Marked: true}, Unknown, "destroyed from another directory"},
		{"the engine fails", Evidence{Platform: errors.New("503")}, Unknown, "503"},
		{"the engine fails, the state knows", Evidence{Platform: errors.New("503"), Marked: true}, Yes, "the state"},
		{"by hand, silent", seen(machines.ByHand, none, silent), Unknown, "no route"},
		{"by hand, answers", seen(machines.ByHand, none, complete), No, "etcd"},
		{"the API contradicts itself", seen(machines.Begun, halted, movedNoWord), Unknown,
			"not that the bootstrap is complete"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.e.Judge(); got.Answer != tt.want || !strings.Contains(got.Why, tt.why) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestSomebodysWord(t *testing.T) {
	unknown := seen(machines.Begun, none, silent).Judge()
	running := seen(machines.Begun, runs, silent).Judge()
	yes, no := seen(machines.HandedOver, none, silent).Judge(), seen(machines.Begun, runs, incomplete).Judge()
	tests := []struct {
		name  string
		v     Verdict
		said  Answer
		want  Answer
		told  bool
		fails bool
	}{
		{"nothing said", unknown, Unknown, Unknown, false, false},
		{"decides yes", unknown, Yes, Yes, true, false},
		{"decides no", unknown, No, No, true, false},
		{"decides beside a bootstrap host that runs", running, Yes, Yes, true, false},
		{"confirms what only a bootstrap host that runs suggests", running, No, No, true, false},
		{"agrees", yes, Yes, Yes, false, false},
		{"against a record", yes, No, Yes, false, true},
		{"against the API", no, Yes, No, false, true},
	}
	for _, tt := range tests {
		got, err := tt.v.With(tt.said)
		if got.Answer != tt.want || got.Told != tt.told || (err != nil) != tt.fails {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}
