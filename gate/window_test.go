package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWindows(t *testing.T) {
	night := spec.GateWindow{Schedule: "0 22 * * 1-5", Duration: *hours(4)} // Monday to Friday, over midnight
	berlin := spec.GateWindow{Schedule: "0 2 * * *", Duration: *hours(1), TimeZone: "Europe/Berlin"}
	tests := []struct {
		name, at string
		windows  []spec.GateWindow
		until    string // "" where it is open
	}{
		{"before", "2026-08-05T21:59:59Z", []spec.GateWindow{night}, "2026-08-05T22:00:00Z"},
		{"at the start", "2026-08-05T22:00:00Z", []spec.GateWindow{night}, ""},
		{"within a second", "2026-08-05T22:00:00.5Z", []spec.GateWindow{night}, ""},
		{"past midnight", "2026-08-06T01:59:59.9Z", []spec.GateWindow{night}, ""},
		{"at the end", "2026-08-06T02:00:00Z", []spec.GateWindow{night}, "2026-08-06T22:00:00Z"},
		{"past midnight of the last day", "2026-08-08T01:00:00Z", []spec.GateWindow{night}, ""},
		{"weekend", "2026-08-08T23:00:00Z", []spec.GateWindow{night}, "2026-08-10T22:00:00Z"},
		{"in a zone, closed", "2026-08-05T02:30:00Z", []spec.GateWindow{berlin}, "2026-08-06T00:00:00Z"},
		{"in a zone, open", "2026-08-05T00:30:00Z", []spec.GateWindow{berlin}, ""},
		{"in a zone, in winter", "2026-12-05T01:30:00Z", []spec.GateWindow{berlin}, ""},
		{"an hour that spring skips", "2026-03-29T01:30:00Z", []spec.GateWindow{berlin}, "2026-03-30T00:00:00Z"},
		{"an hour that autumn repeats", "2026-10-25T00:30:00Z", []spec.GateWindow{berlin}, ""},
		{"one of several", "2026-08-05T00:30:00Z", []spec.GateWindow{night, berlin}, ""},
		{"the next of several", "2026-08-05T12:00:00Z", []spec.GateWindow{berlin, night}, "2026-08-05T22:00:00Z"},
		{"longer than its period", "2026-08-05T12:00:00Z", []spec.GateWindow{{Schedule: "@daily", Duration: *hours(30)}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := judged(t, nil, moment(t, test.at), spec.GateSpec{Windows: test.windows})
			if test.until == "" {
				checkVerdict(t, got, "", time.Time{})
				return
			}
			checkVerdict(t, got, "the next window opens at ", moment(t, test.until))
			after := judged(t, nil, end(got), spec.GateSpec{Windows: test.windows})
			checkVerdict(t, after, "", time.Time{})
		})
	}
}

func TestFreeze(t *testing.T) {
	freeze := spec.GateSpec{Freeze: &spec.GateFreeze{From: noon, To: noon.Add(time.Hour), Reason: "fair"}}
	checkVerdict(t, judged(t, nil, noon.Add(-1), freeze), "", time.Time{})
	checkVerdict(t, judged(t, nil, noon, freeze), `frozen from 2026-08-05T12:00:00Z to 2026-08-05T13:00:00Z, "fair": wait`, noon.Add(time.Hour))
	checkVerdict(t, judged(t, nil, noon.Add(time.Hour), freeze), "", time.Time{})
}

// TestOpens: Until is when all gates are open.
func TestOpens(t *testing.T) {
	daily := func(schedule string, n int) spec.GateSpec {
		return spec.GateSpec{Windows: []spec.GateWindow{{Schedule: schedule, Duration: *hours(n)}}}
	}
	frozen := func(from, to int) spec.GateSpec {
		return spec.GateSpec{Freeze: &spec.GateFreeze{From: noon.Add(time.Duration(from) * time.Hour), To: noon.Add(time.Duration(to) * time.Hour), Reason: "x"}}
	}
	tests := []struct {
		name  string
		gates []spec.GateSpec
		until time.Time // zero: never
	}{
		{"windows that overlap", []spec.GateSpec{daily("0 14 * * *", 4), daily("0 16 * * *", 4)}, noon.Add(4 * time.Hour)},
		{"a weekday and an hour", []spec.GateSpec{daily("0 14 * * *", 1), daily("0 0 * * 5", 24)}, moment(t, "2026-08-07T14:00:00Z")},
		{"windows that never meet", []spec.GateSpec{daily("0 14 * * *", 1), daily("0 16 * * *", 1)}, time.Time{}},
		{"freeze over a window's start", []spec.GateSpec{daily("0 14 * * *", 4), frozen(-1, 3)}, noon.Add(3 * time.Hour)},
		{"freeze over a whole window", []spec.GateSpec{daily("0 14 * * *", 1), frozen(-1, 5)}, noon.Add(26 * time.Hour)},
		{"freezes in a row", []spec.GateSpec{frozen(2, 6), frozen(0, 2)}, noon.Add(6 * time.Hour)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := judged(t, nil, noon, test.gates...)
			if got.Verdict != pinsetter.Rejected || !end(got).Equal(test.until) {
				t.Errorf("got %+v, want until %v", got, test.until)
			}
			if !test.until.IsZero() {
				checkVerdict(t, judged(t, nil, test.until, test.gates...), "", time.Time{})
			}
		})
	}
}

func TestSchedules(t *testing.T) {
	tests := map[string]bool{
		"0 2 * * 1-5": true, "*/15 * * * *": true, "@daily": true, "0 0 29 2 *": true, "0 9 * jan mon": true,
		"": false, "* * * *": false, "0 0 2 * * *": false, "@every 1h": false, "@reboot": false, "60 * * * *": false,
		"TZ=UTC": false, "CRON_TZ=Europe/Berlin 0 2 * * *": false, "0 0 30 2 *": false, ", * * * *": false, "0 2 * * 5-1": false,
	}
	for schedule, ok := range tests {
		s := spec.GateSpec{Windows: []spec.GateWindow{{Schedule: schedule, Duration: *hours(1)}}}
		if _, err := gate.New(pinsetter.Name{}, s, ranges); (err == nil) != ok {
			t.Errorf("%q: %v", schedule, err)
		}
	}
	for zone, ok := range map[string]bool{"": true, "UTC": true, "America/New_York": true, "Local": false, "../x": false, "CEST": false} {
		s := spec.GateSpec{Windows: []spec.GateWindow{{Schedule: "@daily", Duration: *hours(1), TimeZone: zone}}}
		if _, err := gate.New(pinsetter.Name{}, s, ranges); (err == nil) != ok {
			t.Errorf("%q: %v", zone, err)
		}
	}
}

// TestSchedulesAreReadToTheEnd: what robfig/cron passes over is an error, and what
// is right stays right.
func TestSchedulesAreReadToTheEnd(t *testing.T) {
	for schedule, want := range map[string]string{
		"0 *-4 * * *": `hour "*-4": "*-4" is no value`, "0 *4 * * *": "is no value", "0 * 5-*/2 * *": "is no value", "0 0 ?-4 * *": "is no value",
		"0 0 * * *-5": "is no value", "*-x/5 * * * *": "is no value", "0 1-2-3 * * *": "is no value", "0 ** * * *": "is no value",
		"*/90 * * * *": "the step 90 is larger than the range 0-59", "5/100 * * * *": "the step 100 is larger than the range 5-59",
		"0 */25 * * *": "larger", "0 0 */32 * *": "larger", "0 0 * */13 *": "larger", "0 0 * * */8": "larger", "10-20/30 * * * *": "larger", "0 0 * * fri/3": "larger",
		"*/0 * * * *": "is no step", "*/ * * * *": "is no step", "*/5/2 * * * *": "is no step", "*/-5 * * * *": "is no step", "*/+5 * * * *": "is no step",
		"*/99999999999999999999 * * * *": "is no step",
		"0,,5 * * * *":                   "is empty", ",0 * * * *": "is empty", "0, * * * *": "is empty", ", * * * *": "is empty",
		"*,5 * * * *": "write it alone", "0 0 ?,5 * *": "stands alone", "0 0 ?/2 * *": "stands alone", "? 2 * * *": "stands alone", "0 0 * ? *": "stands alone",
		"+5 * * * *": "is no value", "-5 * * * *": "is no value", "5- * * * *": "is no value", "- * * * *": "is no value", "60 * * * *": "no value from 0 to 59",
		"0 24 * * *": "no value from 0 to 23", "0 0 0 * *": "no value from 1 to 31", "0 0 * 0 *": "no value from 1 to 12", "0 0 * * 7": "no value from 0 to 6",
		"jan * * * *": "is no value", "0 0 * mon *": "is no value", "0 0 * * monday": "is no value", "0 2 * * fri-mon": "ends before it begins",
		"0 0 1W * *": "is no value", "0 0 L * *": "is no value", "0 0 * * 1#2": "is no value", "٣ * * * *": "is no value",
		"0 2 * * * *": "found 6", "0 2 * *": "found 4", "@Daily": "unrecognized", "@daily 5": "unrecognized", "@": "unrecognized",
		"CRON_TZ= 0 2 * * *": "names no zone", "CRON_TZ=UTC 0 *-4 * * *": "is no value", "CRON_TZ=UTC": "empty", "TZ=UTC 0 2 * * *": "zone in timeZone",

		"0 2 * * 1-5": "", "*/15 8-18/2 1,15 * *": "", "0/15 * * * *": "", "5-59/10 * * * *": "", "00 02 * * *": "", "0 9 * JAN-mar Mon-FRI": "", "0 0 * jan/3 *": "",
		"0 0 ? * 1": "", "0 0 1 * ?": "", "0 0 ? * ?": "", "*/60 * * * *": "", "0 */24 * * *": "", "*/7,3 * * * *": "", "0 0 29 2 *": "", "0\t2  * * *": "",
		"@yearly": "", "@annually": "", "@monthly": "", "@weekly": "", "@daily": "", "@midnight": "", "@hourly": "", "CRON_TZ=Europe/Berlin 0 9 * * 1-5": "",
	} {
		_, err := gate.Schedule(schedule)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", schedule, err, want)
		}
	}
}

// FuzzWindow: no schedule makes the parser fall over, and a closed window is open
// when it says that it will be.
func FuzzWindow(f *testing.F) {
	for _, schedule := range []string{"0 2 * * 1-5", "*/15 8-18/2 1,15 * *", "@hourly", "0 0 29 feb *", "TZ=", "0 0 30 2 *", "0/0 * * * *", ",,", "? ? ? ? ?", "0 *-4 * * *", "5/100 * * * *", "0,,5 * * * *"} {
		f.Add(schedule, int64(1_785_931_200), uint16(90), "Europe/Berlin")
		f.Add(schedule, int64(1_774_747_800), uint16(1), "America/Sao_Paulo")
		f.Add(schedule, int64(0), uint16(40_000), "Australia/Lord_Howe")
	}
	f.Fuzz(func(t *testing.T, schedule string, unix int64, minutes uint16, zone string) {
		if len(schedule) > 100 || unix < 0 || unix > 1<<33 || minutes == 0 {
			return
		}
		s := spec.GateSpec{Windows: []spec.GateWindow{{
			Schedule: schedule, TimeZone: zone, Duration: spec.Duration{Duration: time.Duration(minutes) * time.Minute},
		}}}
		if _, err := gate.New(pinsetter.Name{}, s, ranges); err != nil {
			return
		}
		got := judged(t, nil, time.Unix(unix, 0), s)
		if got.Verdict == pinsetter.Eligible || got.Until == nil {
			return
		}
		if !got.Until.After(time.Unix(unix, 0)) {
			t.Errorf("%q in %q: opens at %v, before now", schedule, zone, got.Until)
		}
		if then := judged(t, nil, end(got), s); then.Verdict != pinsetter.Eligible {
			t.Errorf("%q in %q: %s; then: %s", schedule, zone, got.Reason, then.Reason)
		}
		if strings.ContainsAny(got.Reason, "\n\x1b") {
			t.Errorf("reason %q", got.Reason)
		}
	})
}
