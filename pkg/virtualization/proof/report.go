package proof

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Form is the form of a report.
type Form string

// The forms of a report: for people, for programs, and for CI systems.
const (
	Text  Form = "text"
	JSON  Form = "json"
	JUnit Form = "junit"
)

// Write writes the report.
func (r *Report) Write(w io.Writer, form Form) error {
	switch form {
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	case JUnit:
		return r.writeJUnit(w)
	}
	return r.writeText(w)
}

// shown is text from the cluster for a terminal, which must not obey it.
func shown(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, text)
}

func (r *Report) writeText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "CHECK\tRESULT\tTIME\tREASON")
	for _, result := range r.Results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", result.Name, result.Status, result.Duration, shown(result.Reason))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, result := range r.Results {
		if result.Status != Failed {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n", result.Name, shown(result.Reason))
		if result.Cause != "" {
			fmt.Fprintf(w, "  cause: %s\n", shown(result.Cause))
		}
		if result.Next != "" {
			fmt.Fprintf(w, "  next:  %s\n", shown(result.Next))
		}
	}
	end := ""
	if r.Interrupted {
		end = "; the test was interrupted"
	}
	_, err := fmt.Fprintf(w, "\n%d passed, %d failed, %d skipped in %s%s\n", r.Count(Passed), r.Count(Failed),
		r.Count(Skipped), r.Duration, end)
	return err
}

// The form that CI systems read; it has no standard, but this much is common to all.
type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Time     string   `xml:"time,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	suite struct {
		Name       string     `xml:"name,attr"`
		Tests      int        `xml:"tests,attr"`
		Failures   int        `xml:"failures,attr"`
		Errors     int        `xml:"errors,attr"`
		Skipped    int        `xml:"skipped,attr"`
		Time       string     `xml:"time,attr"`
		Timestamp  string     `xml:"timestamp,attr"`
		Hostname   string     `xml:"hostname,attr"`
		Properties []property `xml:"properties>property"`
		Cases      []testcase `xml:"testcase"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	testcase struct {
		Name      string `xml:"name,attr"`
		Class     string `xml:"classname,attr"`
		Time      string `xml:"time,attr"`
		Failure   *note  `xml:"failure"`
		Skipped   *note  `xml:"skipped"`
		SystemOut string `xml:"system-out,omitempty"`
	}
	note struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

const suiteName = "virtualization"

func (r *Report) writeJUnit(w io.Writer) error {
	s := suite{Name: suiteName, Tests: len(r.Results), Failures: r.Count(Failed), Skipped: r.Count(Skipped),
		Time: r.Duration.xml(), Timestamp: r.Started.UTC().Format(time.RFC3339), Hostname: r.Server,
		Properties: []property{{"id", r.ID}, {"kubevirt", r.KubeVirt}, {"emulation", fmt.Sprint(r.Emulation)},
			{"interrupted", fmt.Sprint(r.Interrupted)}}}
	for _, result := range r.Results {
		c := testcase{Name: result.Name, Class: suiteName, Time: result.Duration.xml()}
		switch result.Status {
		case Failed:
			text := []string{result.Reason}
			for _, more := range []string{result.Cause, result.Next} {
				if more != "" {
					text = append(text, more)
				}
			}
			c.Failure = &note{Message: result.Reason, Type: "failed", Text: strings.Join(text, "\n")}
		case Skipped:
			c.Skipped = &note{Message: result.Reason}
		default:
			c.SystemOut = result.Reason
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	err := enc.Encode(suites{Name: suiteName, Tests: s.Tests, Failures: s.Failures, Skipped: s.Skipped, Time: s.Time,
		Suites: []suite{s}})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

func (d Duration) xml() string { return fmt.Sprintf("%.3f", d.seconds()) }
