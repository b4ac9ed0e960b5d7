package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// windowsOf translates Renovate's schedules, which are cron with a "*" for the
// minutes or sentences such as "after 10pm and before 5am every weekday", into
// the windows of a Gate. Without a limit there is none.
// Their meaning is that of https://docs.renovatebot.com/key-concepts/scheduling.
func windowsOf(schedules []string, zone string) ([]spec.GateWindow, error) {
	if zone != "" {
		if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
			return nil, fmt.Errorf("time zone %q is unknown", zone)
		}
	}
	var all []spec.GateWindow
	for i, text := range schedules {
		text = strings.ToLower(strings.TrimSpace(text))
		if i == 0 && (text == "" || text == "at any time") {
			return nil, nil
		}
		windows, err := windowsOfOne(text)
		if err != nil {
			return nil, fmt.Errorf("schedule %q: %w", schedules[i], err)
		}
		for _, w := range windows {
			if _, err := gate.Schedule(w.Schedule); err != nil {
				return nil, fmt.Errorf("schedule %q: %w", schedules[i], err)
			}
		}
		all = append(all, windows...)
	}
	for i := range all {
		all[i].TimeZone = zone
	}
	return all, nil
}

func windowsOfOne(text string) ([]spec.GateWindow, error) {
	if fields := strings.Fields(text); len(fields) == 5 && fields[0] == "*" {
		return windowsOfCron(fields)
	}
	return windowsOfSentence(text)
}

// windowsOfCron gives each hour that the schedule names a window of its own, since
// it means every minute of it, and joins them to a day where it names all.
func windowsOfCron(fields []string) ([]spec.GateWindow, error) {
	hour, day, month, weekday := fields[1], fields[2], fields[3], fields[4]
	if day != "*" && day != "?" && weekday != "*" && weekday != "?" {
		return nil, fmt.Errorf("it wants both a day of the month and a day of the week, and the cron of a Gate takes either: write windows by hand")
	}
	if strings.Contains(weekday, "7") {
		if weekday != "7" {
			return nil, fmt.Errorf("write 0 instead of 7 for Sunday")
		}
		weekday = "0"
	}
	for _, field := range fields {
		if strings.ContainsAny(field, "l#w") {
			return nil, fmt.Errorf("%q is no cron that a Gate reads", field)
		}
	}
	length := time.Hour
	if hour == "*" {
		hour, length = "0", 24*time.Hour
	}
	if first, last, isRange := strings.Cut(hour, "-"); isRange { // one window for all of it
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err == nil && err2 == nil && 0 <= from && from <= to && to < 24 {
			hour, length = first, time.Duration(to-from+1)*time.Hour
		}
	}
	return []spec.GateWindow{{
		Schedule: strings.Join([]string{"0", hour, day, month, weekday}, " "),
		Duration: spec.Duration{Duration: length},
	}}, nil
}

// sentence is what a schedule in words says. Hours are -1 where it says nothing.
type sentence struct {
	after, before int // hours of the day
	weekdays      []int
	day           string // of the month, as in cron
	month         string // as in cron
}

// presets are the sentences that Renovate replaces.
var presets = map[string]string{
	"every month": "before 5am on the first day of the month",
	"monthly":     "before 5am on the first day of the month",
}

func windowsOfSentence(text string) ([]spec.GateWindow, error) {
	if full, ok := presets[text]; ok {
		text = full
	}
	s, err := parseSentence(strings.Fields(strings.ReplaceAll(text, ",", " , ")))
	if err != nil {
		return nil, err
	}
	days := "*"
	if len(s.weekdays) > 0 {
		slices.Sort(s.weekdays)
		names := make([]string, 0, 7)
		for _, d := range slices.Compact(s.weekdays) {
			names = append(names, strconv.Itoa(d))
		}
		days = strings.Join(names, ",")
	}
	if s.day != "*" && days != "*" {
		return nil, fmt.Errorf("it wants both a day of the month and a day of the week, and the cron of a Gate takes either: write windows by hand")
	}
	window := func(from, to int) spec.GateWindow {
		return spec.GateWindow{
			Schedule: fmt.Sprintf("0 %d %s %s %s", from, s.day, s.month, days),
			Duration: spec.Duration{Duration: time.Duration(to-from) * time.Hour},
		}
	}
	switch {
	case s.after < 0 && s.before < 0:
		return []spec.GateWindow{window(0, 24)}, nil
	case s.after < 0:
		return []spec.GateWindow{window(0, s.before)}, nil
	case s.before < 0:
		return []spec.GateWindow{window(s.after, 24)}, nil
	case s.after < s.before:
		return []spec.GateWindow{window(s.after, s.before)}, nil
	case s.before == 0:
		return []spec.GateWindow{window(s.after, 24)}, nil
	}
	return []spec.GateWindow{window(0, s.before), window(s.after, 24)}, nil // over midnight
}

// weekdayNames are the names of days, as cron counts them. later.js takes short
// forms too.
var weekdayNames = map[string][]int{
	"sunday": {0}, "sun": {0}, "monday": {1}, "mon": {1}, "tuesday": {2}, "tue": {2}, "tues": {2},
	"wednesday": {3}, "wed": {3}, "thursday": {4}, "thu": {4}, "thur": {4}, "thurs": {4},
	"friday": {5}, "fri": {5}, "saturday": {6}, "sat": {6},
	"weekday": {1, 2, 3, 4, 5}, "weekend": {0, 6},
}

// parseSentence reads the words of a schedule. Every word must be understood, or
// the schedule would be open at times that nobody meant.
func parseSentence(words []string) (sentence, error) {
	s := sentence{after: -1, before: -1, day: "*", month: "*"}
	said := false
	for i := 0; i < len(words); {
		n, err := s.phrase(words[i:])
		if err != nil {
			return s, err
		}
		if n == 0 {
			return s, fmt.Errorf("%q is not understood: write windows by hand", strings.Join(words[i:], " "))
		}
		said = said || (words[i] != "and" && words[i] != ",")
		i += n
	}
	if !said {
		return s, fmt.Errorf("it says nothing")
	}
	return s, nil
}

// phrase reads the words that words begins with, and returns how many they are: 0
// if they are not understood.
func (s *sentence) phrase(words []string) (int, error) {
	at := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch words[0] {
	case "and", ",":
		return 1, nil
	case "before", "after":
		hour, n, err := parseHour(at(1), at(2))
		if err != nil {
			return 0, err
		}
		to := &s.before
		if words[0] == "after" {
			to = &s.after
		}
		if *to >= 0 {
			return 0, fmt.Errorf("it says %q twice", words[0])
		}
		*to = hour
		if words[0] == "before" && hour == 0 {
			return 0, fmt.Errorf("nothing is before midnight")
		}
		return 1 + n, nil
	case "on", "every":
		return s.days(words)
	}
	if days, ok := weekdayNames[words[0]]; ok && len(s.weekdays) > 0 { // "on friday and saturday"
		s.weekdays = append(s.weekdays, days...)
		return 1, nil
	}
	return 0, nil
}

// monthDay matches "on the 1st day of the month".
var monthDay = pinsetter.Pattern(`^on the (first|([0-9]{1,2})(?:st|nd|rd|th)) day of the month\b`)

// everyMonths matches "every 3 months".
var everyMonths = pinsetter.Pattern(`^every ([0-9]{1,2}) months?\b`)

// days reads a phrase with days or months.
func (s *sentence) days(words []string) (int, error) {
	text := strings.Join(words, " ")
	if m := monthDay().FindStringSubmatch(text); m != nil {
		day := m[2]
		if m[1] == "first" {
			day = "1"
		}
		if n, _ := strconv.Atoi(day); n < 1 || n > 31 || s.day != "*" {
			return 0, fmt.Errorf("%q is no day of the month", m[1])
		}
		s.day = day
		return len(strings.Fields(m[0])), nil
	}
	if m := everyMonths().FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		if n < 1 || 12%n != 0 || s.month != "*" {
			return 0, fmt.Errorf("%q is no part of a year", m[0])
		}
		if n > 1 {
			s.month = "1-12/" + m[1]
		}
		return 3, nil
	}
	if len(words) > 1 {
		if days, ok := weekdayNames[words[1]]; ok {
			s.weekdays = append(s.weekdays, days...)
			return 2, nil
		}
	}
	return 0, nil
}

// hourOfDay matches "5", "5am", "5:00am", "17:00".
var hourOfDay = pinsetter.Pattern(`^([0-9]{1,2})(?::([0-9]{2}))?(am|pm)?$`)

// parseHour reads the hour in one word, or in two ("5 am"), and returns how many
// it took.
func parseHour(word, next string) (hour, words int, err error) {
	words = 1
	if next == "am" || next == "pm" {
		word, words = word+next, 2
	}
	m := hourOfDay().FindStringSubmatch(word)
	if m == nil {
		return 0, 0, fmt.Errorf("%q is no hour", word)
	}
	hour, _ = strconv.Atoi(m[1])
	switch {
	case m[2] != "" && m[2] != "00":
		return 0, 0, fmt.Errorf("%q has minutes, which Renovate doesn't take", word)
	case m[3] != "" && (hour < 1 || hour > 12), hour > 23:
		return 0, 0, fmt.Errorf("%q is no hour", word)
	case m[3] == "am" && hour == 12:
		hour = 0
	case m[3] == "pm" && hour < 12:
		hour += 12
	}
	return hour, words, nil
}
