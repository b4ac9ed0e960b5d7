package bot_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What follows judges the bot's commits by a plain reading of the rules, and
// shares no code with it.

// reference is what the marked values of one policy in one file show.
type reference struct{ name, tag, digest string }

func (r reference) String() string {
	if r.digest == "" {
		return r.name + ":" + r.tag
	}
	return r.name + ":" + r.tag + "@" + r.digest
}

var marked = regexp.MustCompile(`(?m)^([^:#]+: "?)([^"\s]+)("? # \{"\$imagepolicy": "default:([a-z]+)(:[a-z]+)?"\})$`)

// references returns what a file shows, by policy.
func references(text string) map[string]reference {
	found := map[string]reference{}
	for _, m := range marked.FindAllStringSubmatch(text, -1) {
		value, policy := m[2], m[4]
		r := found[policy]
		switch m[5] {
		case ":name":
			r.name = value
		case ":tag":
			r.tag = value
		case ":digest":
			r.digest = value
		default:
			value, r.digest, _ = strings.Cut(value, "@")
			colon := strings.LastIndex(value, ":")
			r.name, r.tag = value[:colon], value[colon+1:]
		}
		found[policy] = r
	}
	return found
}

// around returns a file without its marked values.
func around(text string) string { return marked.ReplaceAllString(text, "$1$3") }

var versionGrammar = regexp.MustCompile(`^v?(\d+)\.(\d+)\.(\d+)$`)

// version returns the numbers of a tag that is a release; nil of any other.
func version(tag string) []int {
	m := versionGrammar.FindStringSubmatch(tag)
	if m == nil {
		return nil
	}
	var numbers []int
	for _, digits := range m[1:] {
		n, _ := strconv.Atoi(digits) // the grammar has digits alone
		numbers = append(numbers, n)
	}
	return numbers
}

// accepts is the policies' range >=1.0.0 <2.0.0, and the filter of db, which
// takes no "v".
func accepts(policy, tag string) bool {
	v := version(tag)
	return v != nil && v[0] == 1 && (policy != "db" || tag[0] != 'v')
}

func above(a, b string) bool { return slices.Compare(version(a), version(b)) > 0 }

// demands is what the one gate of a walk demands.
type demands struct {
	minAge         time.Duration // 0: none
	platforms      []string
	hold           string // a tag
	until          time.Time
	freeze, thawed time.Time // zero: none
	patch          bool      // maxBump: patch
	signed         bool      // by the signer of the walk
	verify         string    // how
}

// String is the Gate as YAML; "" where nothing is demanded.
func (d demands) String() string {
	var rules []string
	if d.minAge > 0 {
		rules = append(rules, "minAge: "+d.minAge.String())
	}
	if d.platforms != nil {
		rules = append(rules, "platforms: ["+strings.Join(d.platforms, ", ")+"]")
	}
	if d.hold != "" {
		until := ""
		if !d.until.IsZero() {
			until = fmt.Sprintf(", until: %q", d.until.Format(time.RFC3339))
		}
		rules = append(rules, fmt.Sprintf("hold: [{tags: [%s], reason: x%s}]", d.hold, until))
	}
	if !d.freeze.IsZero() {
		rules = append(rules, fmt.Sprintf("freeze: {from: %q, to: %q, reason: x}", d.freeze.Format(time.RFC3339), d.thawed.Format(time.RFC3339)))
	}
	if d.patch {
		rules = append(rules, "maxBump: patch")
	}
	if d.signed {
		rules = append(rules, "verify: "+d.verify)
	}
	if rules == nil {
		return ""
	}
	return "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: {" + strings.Join(rules, ", ") + "}\n"
}

// memory is what the ledger in use can know. It is lost and rolled back with it.
type memory struct {
	seen  map[string]time.Time // by image, tag and digest: the first cycle that saw them
	wrote map[string]reference // by place: what the bot wrote last
	shown map[string]reference // by place: the last of it that the base showed
}

func newMemory() memory {
	return memory{map[string]time.Time{}, map[string]reference{}, map[string]reference{}}
}

func (m memory) clone() memory {
	return memory{maps.Clone(m.seen), maps.Clone(m.wrote), maps.Clone(m.shown)}
}

// move is what a commit of the bot made of one place.
type move struct {
	file, policy string
	old, new     reference
	proposed     reference // what the push branch showed before, in branch mode
}

func (m move) place() string { return m.file + " " + m.policy }

// wrong says what is wrong with a move, "" where nothing is.
func (k *walk) wrong(m move) string {
	shelf := k.shelves[m.policy]
	if m.new.name != k.Registry.Image(shelf.image) {
		return "another image"
	}
	beside := m.new.tag == m.old.tag && m.new.digest == m.old.digest || m.new == m.proposed
	if m.new.digest != "" && !beside && (m.new.digest != shelf.digests[m.new.tag] || shelf.fault != sound) {
		return "a digest that isn't the tag's"
	}
	if (k.reflect[m.policy] == "Never") != (m.new.digest == "") {
		return "a digest too many or too few"
	}
	switch shown, known := k.memory.shown[m.place()]; {
	case !accepts(m.policy, m.new.tag):
		return "not a candidate"
	case accepts(m.policy, m.old.tag) && above(m.old.tag, m.new.tag):
		return "a step down"
	case known && m.old != shown && accepts(m.policy, shown.tag) && m.old.tag != shown.tag && !above(m.new.tag, shown.tag):
		return "taken back before"
	case m.new == m.proposed: // it passed when it was proposed
		return ""
	}
	return k.refused(m)
}

// refused says which gate refuses a move, "" where none does.
func (k *walk) refused(m move) string {
	shelf, d, now := k.shelves[m.policy], k.gate, k.Now()
	digest := shelf.digests[m.new.tag]
	seen, known := k.memory.seen[shelf.image+m.new.tag+digest]
	core, _, _ := strings.Cut(m.old.tag, "-") // a pre-release is a version too
	from, to := version(core), version(m.new.tag)
	switch {
	case shelf.fault == noList || !slices.Contains(shelf.listed, m.new.tag):
		return "not listed"
	case !now.Before(d.freeze) && now.Before(d.thawed):
		return "frozen"
	case m.new.tag == d.hold && (d.until.IsZero() || now.Before(d.until)):
		return "held"
	case d.patch && m.old.tag != m.new.tag && (from == nil || !slices.Equal(from[:2], to[:2])):
		return "a step too large"
	case d.minAge > 0 && (!known || now.Sub(seen) < d.minAge):
		return "too young"
	case !subset(d.platforms, shelf.platforms[digest]):
		return "platforms are missing"
	case d.signed && shelf.signed[digest] != byUs:
		return "not signed by us"
	case (d.minAge > 0 || d.platforms != nil || d.signed) && m.new.digest != "" && m.new.digest != digest:
		return "another digest than the one that passed"
	}
	return ""
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
