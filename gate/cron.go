package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cronField is one of the five fields of a schedule.
type cronField struct {
	name     string
	min, max int
	names    []string // of the values from min on
	question bool     // "?" means "*"
}

// cronFields are those that robfig/cron reads (its spec.go).
var cronFields = [...]cronField{
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day of month", min: 1, max: 31, question: true},
	{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of week", max: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, question: true},
}

// checkCron returns an error for five fields of cron that robfig/cron would read as
// something else than what is written: it passes over what follows a star
// ("*-4"), over empty items of a list and over steps that lead nowhere.
func checkCron(text string) error {
	fields := strings.Fields(text)
	if len(fields) != len(cronFields) {
		return nil // robfig/cron refuses it
	}
	for i, field := range fields {
		items := strings.Split(field, ",")
		for _, item := range items {
			if err := cronFields[i].check(item, len(items) > 1); err != nil {
				return fmt.Errorf("%s %q: %w", cronFields[i].name, field, err)
			}
		}
	}
	return nil
}

// check checks one item of a field: "*", "?", a value or a range of two, the first
// and the latter ones also with "/step".
func (f cronField) check(item string, listed bool) error {
	values, step, stepped := strings.Cut(item, "/")
	first, last := f.min, f.max
	switch low, high, isRange := strings.Cut(values, "-"); {
	case item == "":
		return fmt.Errorf("an item of the list is empty")
	case values == "?" && (!f.question || stepped || listed):
		return fmt.Errorf(`"?" stands alone, for a day of month or of week: write "*"`)
	case values == "?":
		return nil
	case values == "*" && listed && !stepped:
		return fmt.Errorf(`"*" is every value: write it alone`)
	case values == "*":
	case isRange && (low == "*" || low == "?"):
		return fmt.Errorf("%q is no value and no range", values)
	default:
		var err error
		if first, err = f.value(low); err != nil {
			return err
		}
		if isRange {
			last, err = f.value(high)
		} else if !stepped {
			last = first
		}
		if err != nil {
			return err
		}
	}
	switch n, err := number(step); {
	case first > last:
		return fmt.Errorf("%q ends before it begins: write two ranges, with a comma", values)
	case stepped && (err != nil || n == 0):
		return fmt.Errorf("%q is no step: write a number from 1", step)
	case stepped && n > last-first+1:
		return fmt.Errorf("the step %d is larger than the range %d-%d", n, first, last)
	}
	return nil
}

// value returns a value of the field, by number or name.
func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is no value from %d to %d", text, f.min, f.max)
	}
	return n, nil
}

// number reads digits, without the sign that strconv takes.
func number(text string) (int, error) {
	if strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}
