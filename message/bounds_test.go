package message

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
)

// manyChanges is a commit of ten thousand changes.
func manyChanges() Data {
	d := Data{Automation: shop}
	for i := range 10_000 {
		d.Changes = append(d.Changes, pinsetter.Change{
			Path:   fmt.Sprintf("apps/%d.yaml", i),
			Line:   i,
			Setter: fmt.Sprintf("flux-system:app-%d:tag", i%100),
			Object: pinsetter.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "apps", Name: fmt.Sprintf("app-%d", i)},
			Old:    "1.0.0", New: "1.0.1",
		})
	}
	return d
}

// grow doubles $x, which starts as a list or a text, n times with f.
func grow(start, f string, n int) string {
	return "{{ $x := " + start + " }}" + strings.Repeat("{{ $x = "+f+" }}", n)
}

// TestAttacksEnd renders templates that without bounds would take hours or gigabytes.
func TestAttacksEnd(t *testing.T) {
	evil := strings.Repeat("(a?){15}", 9) + "b|a"
	attacks := map[string]struct {
		template string
		want     error // nil: any
	}{
		"output":                {`{{ range until 10000 }}0123456789{{ end }}`, errOutput},
		"range over a number":   {`{{ range 1000000000000 }}{{ end }}`, errWork},
		"nested ranges of data": {strings.Repeat(`{{ range $.Changed.Changes }}`, 6) + strings.Repeat(`{{ end }}`, 6), errWork},
		"nested ranges, output": {strings.Repeat(`{{ range until 1000 }}`, 6) + `{{ "" }}` + strings.Repeat(`{{ end }}`, 6), errWork},
		"recursion":             {`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, errNested},
		"branching recursion": {`{{ define "a" }}{{ if . }}{{ template "a" (rest .) }}{{ template "a" (rest .) }}{{ end }}{{ end }}` +
			`{{ template "a" (until 60) }}`, errWork},
		"if as a loop":        {`{{ define "a" }}{{ range . }}{{ template "a" $ }}{{ end }}{{ end }}{{ template "a" (until 100) }}`, nil},
		"repeat":              {`{{ repeat 1000000000 "x" }}`, errValue},
		"repeat, overflow":    {`{{ repeat 9223372036854775807 "xxxx" }}`, errValue},
		"repeat, negative":    {`{{ repeat -1 "xxxx" }}`, nil},
		"repeat of repeat":    {`{{ repeat 2000 (repeat 2000 (repeat 2000 "x")) }}`, errValue},
		"until":               {`{{ until 1000000000 }}`, errValue},
		"until, negative":     {`{{ until -1000000000 }}`, errValue},
		"untilStep":           {`{{ untilStep 0 9223372036854775807 1 }}`, errValue},
		"untilStep, overflow": {`{{ untilStep 9223372036854775800 9223372036854775807 5 }}`, errValue},
		"seq":                 {`{{ seq 1 1000000000 }}`, errValue},
		"seq, overflow":       {`{{ seq 9223372036854775800 5 9223372036854775807 }}`, errValue},
		"indent":              {`{{ indent 1000000000 "x" }}`, errValue},
		"nindent":             {`{{ nindent 100000 (repeat 100000 "\n") }}`, errValue},
		"wrapWith":            {`{{ wrapWith 1 (repeat 100000 "x") (repeat 100000 "y") }}`, errValue},
		"wrapWith, spaces":    {`{{ wrapWith 40000 (repeat 100000 "x") (repeat 50000 "y ") }}`, nil},
		"replace":             {`{{ replace "" (repeat 100000 "x") (repeat 100000 "y") }}`, errValue},
		"join":                {`{{ join (repeat 100000 "x") (until 10000) }}`, errValue},
		"printf width":        {`{{ printf "%1000000d%1000000d%1000000d%1000000d%1000000d" 1 2 3 4 5 }}`, errValue},
		"printf precision":    {`{{ printf "%.1000000f%.1000000f%.1000000f%.1000000f%.1000000f" 1. 2. 3. 4. 5. }}`, errValue},
		"printf star":         {`{{ printf "` + strings.Repeat("%[1]*[1]d", 100) + `" 900000 }}`, errValue},
		"printf index":        {`{{ $s := repeat 60000 "x" }}{{ printf "` + strings.Repeat("%[1]s", 5000) + `" $s }}`, errValue},
		"doubled text":        {grow(`"xxxxxxxx"`, "print $x $x", 60), errValue},
		"doubled list":        {grow(`list "x" "x"`, "list $x $x", 60) + `{{ $x }}`, nil},
		"doubled dict":        {grow(`dict "a" "x"`, `dict "a" $x "b" $x`, 40) + `{{ toJson $x }}`, nil},
		"deep list":           {grow(`list "x"`, "list $x", 1000) + `{{ $x }}`, errDepth},
		"deep JSON":           {`{{ fromJson (print (repeat 9000 "[") (repeat 9000 "]")) }}`, errDepth},
		"dict in itself":      {`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}`, errDepth},
		"merged into itself":  {`{{ $d := dict }}{{ $_ := merge $d (dict "d" $d) }}{{ $d }}`, errDepth},
		"grown from inside": {`{{ $in := dict }}{{ $x := list $in $in }}` + strings.Repeat(`{{ $x = list $x $x }}`, 15) +
			`{{ $_ := set $in "k" (repeat 60000 "x") }}{{ $x }}`, errValue},
		"appended":        {`{{ $l := list }}{{ range until 100000 }}{{ $l = append $l . }}{{ end }}`, errWork},
		"uniq":            {`{{ uniq (until 100000) }}`, errWork},
		"without":         {`{{ without (until 100000) 1 2 3 }}`, errWork},
		"regex":           {`{{ regexMatch "` + evil + `" (repeat 1000000 "a") }}`, errWork},
		"regex, all":      {`{{ regexFindAll "` + evil + `" (repeat 60000 "a") -1 }}`, errWork},
		"regex, size":     {`{{ regexMatch (repeat 10000 "a{1000}") "a" }}`, errValue},
		"regex, compile":  {`{{ range until 10000 }}{{ $_ := regexMatch "` + strings.Repeat("a{1000}", 100) + `" "a" }}{{ end }}`, errWork},
		"regexReplaceAll": {`{{ regexReplaceAll "a*" (repeat 3000 "a") (repeat 100000 "$0") }}`, errValue},
		"regex, split":    {`{{ regexSplit "" (repeat 1000000 "a") -1 }}`, errWork},
		"decimals":        {`{{ range until 100000 }}{{ $_ := mulf 1e308 1e308 1e308 1e-308 1e-308 }}{{ end }}`, errWork},
		"pretty JSON":     {`{{ range until 100000 }}{{ $_ := toPrettyJson $.Changed }}{{ end }}`, nil},
		"print the data":  {`{{ print . }}{{ . }}{{ toJson . }}`, nil},
		"many methods":    {`{{ range until 100000 }}{{ $_ := $.Changed.Objects }}{{ $_ := $.Updated.Images }}{{ end }}x{{ fail "end" }}`, nil},
		"nested parens":   {strings.Repeat("{{ if 1 }}", 6000) + strings.Repeat("{{ end }}", 4000), nil},
	}
	data := manyChanges()
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := commit(withTemplate(attack.template, nil), data)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil || attack.want != nil && !errors.Is(err, attack.want) {
				t.Errorf("got %v, want %v", err, attack.want)
			}
			if took > time.Minute { // a fraction of a second, but for the race detector on a busy machine
				t.Errorf("took %v", took)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 1024 {
				t.Errorf("allocated %d MB in all", mb)
			}
			if after.NumGC < before.NumGC { // keeps the compiler from reordering the reads
				t.Error("time runs backwards")
			}
			t.Logf("%v, %d MB: %.100v", took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, err)
		})
	}
}

// TestBoundsLeaveRoom renders what an honest template may want of a large
// commit.
func TestBoundsLeaveRoom(t *testing.T) {
	for _, template := range []string{
		`{{ len .Changed.Changes }} changes in {{ len .Changed.FileChanges }} files`,
		`{{ $n := 0 }}{{ range $file, $objects := .Changed.FileChanges }}{{ range $object, $changes := $objects }}{{ range $changes }}` +
			`{{ $n = add $n 1 }}{{ if lt $n 500 }}{{ $file }}: {{ .OldValue | trimPrefix "v" }} {{ regexReplaceAll "[^0-9.]" .NewValue "" }}{{ "\n" }}{{ end }}{{ end }}{{ end }}{{ end }}`,
		`{{ $seen := dict }}{{ range .Changed.Changes }}{{ $_ := set $seen .Setter true }}{{ end }}{{ keys $seen | join ", " }}`,
		`{{ range $i := until 500 }}{{ $i }} {{ end }}{{ repeat 72 "-" }}{{ wrap 72 (repeat 500 "word ") }}`,
		`{{ first .Changed.Changes }}{{ range slice .Changed.Changes 0 10 }}{{ toJson . }}{{ end }}`,
		`{{ .Changed.Changes | toJson | sha256sum }}`,
	} {
		if got, err := commit(withTemplate(template, nil), manyChanges()); err != nil {
			t.Errorf("%s: %v", template, err)
		} else if len(got) > maxOutput {
			t.Errorf("%s: %d bytes", template, len(got))
		}
	}
}

func FuzzCommit(f *testing.F) {
	for _, seed := range []string{
		"{{ range .Changed.Changes }}{{ . }}{{ end }}", `{{ define "a" }}{{ . }}{{ end }}{{ template "a" $.Updated }}`,
		`{{ with $x := list 1 2 }}{{ $x | join "," | repeat 3 }}{{ else }}{{ break }}{{ end }}`, `{{ printf "%*d" 5 6 }}`, `{{ . }}`,
		`{{ range $i, $c := until 5 }}{{ if eq $i 3 }}{{ continue }}{{ end }}{{ seq 1 $i }}{{ else }}none{{ end }}`,
		`{{ regexReplaceAll "(a+)" "caat" "${1}b" }}{{ set (dict) "a" 1 }}{{ block "b" . }}{{ end }}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		start := time.Now()
		first, err := unchecked(template, sample)
		if took := time.Since(start); took > time.Minute {
			t.Fatalf("took %v", took)
		}
		if _, refused := New(withTemplate(template, nil)); refused != nil && err == nil {
			t.Fatal("New refuses what renders")
		}
		if err == nil && !strings.Contains(template, "ago") && !strings.Contains(template, "%") {
			if second, err := unchecked(template, sample); err != nil || second != first {
				t.Fatalf("rendered twice: %q, then %q (%v)", first, second, err)
			}
		}
		ParseTrailers(Append(first, Trailers(shop, sample.Changes)))
	})
}

// unchecked is commit without a trial of the template.
func unchecked(template string, d Data) (string, error) {
	c, err := compile(cmp.Or(template, Default))
	if err != nil {
		return "", err
	}
	return (&Template{compiled: c}).Commit(d)
}
