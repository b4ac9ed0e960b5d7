package bot_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
)

const walkObjects = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: REG/org/app, interval: 5m, insecure: true, exclusionList: ["-rc"]}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: db}
spec: {image: REG/org/db, interval: 5m, insecure: true, exclusionList: ["-rc"]}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ">=1.0.0 <2.0.0"}}
  digestReflectionPolicy: REFLECT_APP
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: db}
spec:
  imageRepositoryRef: {name: db}
  filterTags: {pattern: '^[0-9]'}
  policy: {semver: {range: ">=1.0.0 <2.0.0"}}
  digestReflectionPolicy: REFLECT_DB
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet}
spec: {url: REPO, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: PUSH}}
GATE`

// walkFiles have two policies in one file, one of them in three fields of
// another file too.
var walkFiles = map[string]string{
	"a.yaml": `# 1.0.0 is no marker
app: "REG/org/app:1.0.0" # {"$imagepolicy": "default:app"}
unmarked:   REG/org/app:1.0.0   # stays
---
db: REG/org/db:1.0.0 # {"$imagepolicy": "default:db"}
`,
	"b.yaml": `image:
  repository: REG/org/db # {"$imagepolicy": "default:db:name"}
  tag: "1.0.0" # {"$imagepolicy": "default:db:tag"}
  digest: DIGEST # {"$imagepolicy": "default:db:digest"}
`,
}

// walkTags are tags to push, and to write by hand. Some are no candidates.
var walkTags = []string{
	"1.0.1", "1.1.0", "1.1.1", "1.2.0", "1.3.0", "1.4.0", "v1.3.1", "1.0.0",
	"2.0.0", "1.4.0-rc1", "1.4.1-beta", "latest", "hotfix-login",
}

// choices are the bytes that decide a walk.
type choices struct{ left []byte }

// of returns a number below n, 0 when the bytes are at their end.
func (c *choices) of(n int) int {
	if len(c.left) == 0 {
		return 0
	}
	b := c.left[0]
	c.left = c.left[1:]
	return int(b) % n
}

// What may be wrong with the answers about an image.
const (
	sound = iota
	noList
	noManifest
	noSignatures
)

// Who signed a digest.
const (
	byNobody = iota
	byUs
	byThem
)

// shelf is what the registry answers about the image of one policy.
type shelf struct {
	image     string
	listed    []string            // as the registry lists it now
	all       []string            // what was pushed
	digests   map[string]string   // by tag
	platforms map[string][]string // by digest
	signed    map[string]int      // by digest
	fault     int
}

// walk is a world in which things happen by chance, and what the bot may know.
type walk struct {
	*world
	choices  choices
	shelves  map[string]*shelf // by policy
	gate     demands
	reflect  map[string]string // by policy
	push     string
	memory   memory
	copied   memory              // of an older copy of the ledger, if there is one
	humans   map[string][]string // commits by branch
	told     []string            // what happened, for people
	unlisted bool                // some list isn't believed
	signers  walkSigners
}

func newWalk(t *testing.T, data []byte) *walk {
	k := &walk{choices: choices{data}, memory: newMemory(), humans: map[string][]string{}}
	k.push = []string{"main", "updates"}[k.choices.of(2)]
	k.reflect = map[string]string{
		"app": []string{"Never", "IfNotPresent", "Always"}[k.choices.of(3)],
		"db":  []string{"IfNotPresent", "Always"}[k.choices.of(2)],
	}
	k.gate = k.anyGate()
	k.signers = newWalkSigners(t, byKey+k.choices.of(byNotation))
	if k.gate.signed {
		k.gate.verify = k.signers.verify()
	}
	files := map[string]string{"a.yaml": walkFiles["a.yaml"], "b.yaml": strings.Replace(walkFiles["b.yaml"], "DIGEST", strangeDigest, 1)}
	objects := strings.NewReplacer("PUSH", k.push, "GATE", k.gate.String()+k.signers.secret(),
		"REFLECT_APP", reflection(k.reflect["app"]), "REFLECT_DB", reflection(k.reflect["db"])).Replace(walkObjects)
	k.world = newWorld(t, objects, files)
	k.shelves = map[string]*shelf{}
	for _, policy := range []string{"app", "db"} {
		s := &shelf{image: "org/" + policy, digests: map[string]string{}, platforms: map[string][]string{}, signed: map[string]int{}}
		k.shelves[policy] = s
		k.put(s, "1.0.0", 0)
		k.put(s, "1.0.1", 0)
		k.list(s, s.all)
	}
	answer := scene.Fault(k.answer)
	k.Fault.Store(&answer)
	k.tell("push to %s, reflect %v, %s", k.push, k.reflect, k.gate)
	return k
}

// reflection is a digestReflectionPolicy with what it needs.
func reflection(policy string) string {
	if policy == "Always" {
		return policy + "\n  interval: 10m"
	}
	return policy
}

// strangeDigest is of nothing.
var strangeDigest = "sha256:" + strings.Repeat("5", 64)

func (k *walk) anyGate() demands {
	var d demands
	if k.choices.of(2) == 1 {
		d.minAge = 48 * time.Hour
	}
	if k.choices.of(3) == 1 {
		d.platforms = []string{"linux/amd64", "linux/arm64"}
	}
	switch k.choices.of(4) {
	case 1:
		d.hold = "1.4.2" // the first new one
	case 2:
		d.hold, d.until = "1.0.1", noon.Add(72*time.Hour)
	}
	if k.choices.of(4) == 1 {
		d.freeze, d.thawed = noon, noon.Add(36*time.Hour)
	}
	d.patch = k.choices.of(5) == 1
	d.signed = k.choices.of(2) == 1
	return d
}

func (k *walk) tell(format string, args ...any) {
	k.told = append(k.told, fmt.Sprintf(format, args...))
}

func (k *walk) fail(format string, args ...any) {
	k.t.Helper()
	k.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(k.told, "\n"))
}

// answer makes the registry's faults.
func (k *walk) answer(to http.ResponseWriter, r *http.Request) bool {
	for _, s := range k.shelves {
		list := strings.HasSuffix(r.URL.Path, s.image+"/tags/list")
		if list && s.fault == noList {
			to.Header().Set("Content-Type", "text/html")
			to.WriteHeader([]int{500, 404, 200}[len(k.told)%3])
			_, _ = io.WriteString(to, "<html>come back later") // a client that is gone needs no answer
			return true
		}
		if s.fault == noSignatures && strings.Contains(r.URL.Path, s.image+"/referrers/") {
			to.WriteHeader([]int{500, 429, 503}[len(k.told)%3])
			return true
		}
		if s.fault == noManifest && strings.Contains(r.URL.Path, s.image+"/manifests/") {
			to.WriteHeader([]int{500, 404}[len(k.told)%2])
			return true
		}
	}
	return false
}

// put pushes a tag, with other content for each variant.
func (k *walk) put(s *shelf, tag string, variant int) {
	platforms := [][]string{{"linux/amd64", "linux/arm64"}, {"linux/amd64"}, {"linux/amd64", "linux/arm64", "linux/s390x"}}[variant]
	digest := k.Registry.PushIndex(s.image, tag, platforms...)
	s.digests[tag], s.platforms[digest] = digest, platforms
	if s.signed[digest] == byNobody {
		k.sign(s, digest, []int{byUs, byUs, byThem, byNobody}[k.choices.of(4)])
	}
	if !slices.Contains(s.all, tag) {
		s.all = append(s.all, tag)
	}
}

// sign has somebody sign a digest, in one of two ways.
func (k *walk) sign(s *shelf, digest string, who int) {
	if s.signed[digest] = who; who != byNobody {
		k.signers.sign(&k.Registry.Shelf, s.image, digest, who == byUs, k.choices.of(2) == 1)
	}
}

func (k *walk) list(s *shelf, tags []string) {
	s.listed = slices.Clone(tags)
	k.Registry.SetTags(s.image, tags...)
}

// step has one thing happen.
func (k *walk) step() {
	s := k.shelves[[]string{"app", "db"}[k.choices.of(2)]]
	switch k.choices.of(10) {
	case 0, 1, 2:
		tag := fmt.Sprintf("1.4.%d", len(s.all))
		if k.choices.of(3) == 0 {
			tag = walkTags[k.choices.of(len(walkTags))]
		}
		k.put(s, tag, k.choices.of(3))
		k.list(s, append(slices.Clone(s.listed), tag))
		k.tell("%s: push %s for %s, signed %d", s.image, tag, s.platforms[s.digests[tag]], s.signed[s.digests[tag]])
	case 3:
		k.relist(s)
	case 4:
		s.fault = []int{sound, sound, noList, noManifest, noSignatures}[k.choices.of(5)]
		k.tell("%s: fault %d", s.image, s.fault)
	case 5:
		hours := []int{1, 12, 24, 47, 48, 100}[k.choices.of(6)]
		k.Pass(time.Duration(hours) * time.Hour)
		k.tell("%d hours pass", hours)
	case 6:
		k.loseState()
	default:
		k.human()
	}
}

// relist has the registry list other tags than it has.
func (k *walk) relist(s *shelf) {
	tags := slices.Clone(s.all)
	switch k.choices.of(4) {
	case 0: // all there are
	case 1:
		tags = tags[:1+k.choices.of(len(tags))]
	case 2:
		tags = slices.Delete(tags, k.choices.of(len(tags)), len(tags))
		tags = append(tags, s.all[len(s.all)-1], "1.0.0")
	case 3:
		slices.Reverse(tags)
		tags = append(tags, tags...)
		tags = append(tags, "bad tag!", "-x", strings.Repeat("9", 200))
	}
	k.list(s, tags)
	k.tell("%s: list %q", s.image, tags)
}

// loseState loses the ledger, copies it, or puts an older copy in its place.
func (k *walk) loseState() {
	older := k.State + ".older"
	switch k.choices.of(3) {
	case 0:
		k.remove(k.State)
		k.memory = newMemory()
		k.tell("the state is lost")
	case 1:
		if k.copy(k.State, older) {
			k.copied = k.memory.clone()
			k.tell("the state is copied")
		}
	case 2:
		if k.copy(older, k.State) {
			k.memory = k.copied.clone()
			k.tell("the state is rolled back")
		}
	}
}

func (k *walk) remove(path string) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		k.t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		_ = os.Remove(path + suffix) // there is none once all is closed
	}
}

// copy reports whether there is something to copy.
func (k *walk) copy(from, to string) bool {
	data, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return false
	}
	k.remove(to)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return true
}

// human has somebody commit, or see to the push branch.
func (k *walk) human() {
	branch := "main"
	if k.Repo.Head("updates") != "" && k.choices.of(2) == 1 {
		branch = "updates"
	}
	what := k.choices.of(7)
	if branch == "main" && what > 4 {
		what = 0
	}
	tag := walkTags[k.choices.of(len(walkTags))]
	if k.choices.of(2) == 1 {
		tag = "1.0.0" // with which all begins
	}
	a, b := k.Repo.File(branch, "a.yaml"), k.Repo.File(branch, "b.yaml")
	files := map[string]string{}
	switch what {
	case 0, 1:
		policy := []string{"app", "db"}[what]
		rewrite := regexp.MustCompile(`(?m)^(` + policy + `: "?)[^"\s]+`)
		files["a.yaml"] = rewrite.ReplaceAllString(a, "${1}"+references(a)[policy].name+":"+tag)
	case 2:
		digest := k.shelves["db"].digests[tag]
		if digest == "" {
			digest = strangeDigest
		}
		was := references(b)["db"]
		files["b.yaml"] = strings.NewReplacer(`"`+was.tag+`"`, `"`+tag+`"`, was.digest, digest).Replace(b)
	case 3:
		files["b.yaml"] = strings.Replace(b, `"`+references(b)["db"].tag+`"`, `"`+tag+`"`, 1)
	case 4:
		files["a.yaml"], files["c.yaml"] = fmt.Sprintf("# %d\n%s", len(k.told), a), fmt.Sprintln("c:", len(k.told))
	case 5:
		files["a.yaml"], files["b.yaml"] = a, b
		branch = "main"
		k.tell("updates is squashed, and")
	case 6:
		k.Repo.Git("branch", "-D", "updates")
		k.humans["updates"] = nil
		k.tell("updates is deleted")
		return
	}
	hash := k.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: files}, Branch: branch})
	k.humans[branch] = append(k.humans[branch], hash)
	k.tell("somebody writes on %s:\n%s", branch, strings.Join(slices.Sorted(maps.Values(files)), ""))
}

// cycle runs a bot, or two at once that share the ledger, and judges what came
// of it.
func (k *walk) cycle(bots int) {
	k.t.Helper()
	k.recall()
	before := k.heads()
	results := make([]*bot.Result, bots)
	var group sync.WaitGroup
	for i := range bots {
		ledger := k.Remember()
		b := k.bot(ledger)
		group.Go(func() {
			defer ledger.Close()
			results[i] = b.Cycle(context.Background(), bot.Push, k.Set.Automations)[0]
		})
	}
	group.Wait()
	k.unlisted = false
	for _, r := range results {
		for _, h := range r.Held {
			k.unlisted = k.unlisted || strings.Contains(h.Reason, "the list may be cut")
			if h.Candidate != "" && h.Candidate == h.Current {
				k.fail("held at what it shows: %v", h)
			}
			if !slices.Contains(pinsetter.Rules(), h.Rule) {
				k.fail("held by no rule: %v", h)
			}
		}
		k.tell("at %s: %d changes, held %v, error %q", k.Now(), len(r.Changes), r.Held, r.Error)
	}
	k.judge(before)
}

// recall has the memory take in what a cycle that begins now can see.
func (k *walk) recall() {
	for _, s := range k.shelves {
		for _, tag := range s.listed {
			key := s.image + tag + s.digests[tag]
			if _, known := k.memory.seen[key]; !known && s.fault == sound {
				k.memory.seen[key] = k.Now()
			}
		}
	}
	for _, file := range []string{"a.yaml", "b.yaml"} {
		for policy, shows := range references(k.Repo.File("main", file)) {
			place := move{file: file, policy: policy}.place()
			if wrote, ok := k.memory.wrote[place]; ok && wrote == shows {
				k.memory.shown[place] = shows
			}
		}
	}
}

func (k *walk) heads() map[string]string {
	heads := map[string]string{}
	for line := range strings.Lines(k.Repo.Git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")) {
		branch, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		heads[branch] = hash
	}
	return heads
}

// judge looks at the commits since the heads were as they are given.
func (k *walk) judge(before map[string]string) {
	k.t.Helper()
	after := k.heads()
	for branch, hashes := range k.humans {
		for _, hash := range hashes {
			if got := k.Repo.Git("rev-list", "--count", hash, "^"+after[branch]); got != "0" {
				k.fail("commit %s by hand is lost from %s", hash, branch)
			}
		}
	}
	if after[k.push] == before[k.push] {
		return
	}
	if k.push != "main" && after["main"] != before["main"] {
		k.fail("main was written")
	}
	args := []string{"log", "--reverse", "--format=%H %P", after[k.push]}
	for _, hash := range before {
		args = append(args, "^"+hash)
	}
	for line := range strings.Lines(k.Repo.Git(args...)) {
		commit, parent, _ := strings.Cut(strings.TrimSpace(line), " ")
		k.judgeCommit(commit, parent, before[k.push])
	}
}

func (k *walk) judgeCommit(commit, parent, proposal string) {
	k.t.Helper()
	for line := range strings.Lines(k.Repo.Git("diff-tree", "-r", "--raw", parent, commit)) {
		fields := strings.Fields(line)
		if file := fields[5]; fields[4] != "M" || fields[0] != ":100644" || fields[1] != "100644" || file != "a.yaml" && file != "b.yaml" {
			k.fail("the bot did %s", line)
		}
	}
	for _, file := range []string{"a.yaml", "b.yaml"} {
		old, now := k.show(parent, file), k.show(commit, file)
		if around(old) != around(now) {
			k.fail("bytes outside of marked values changed in %s:\n%s", file, now)
		}
		proposed := map[string]reference{}
		if k.push != "main" && proposal != "" {
			proposed = references(k.show(proposal, file))
		}
		for policy, was := range references(old) {
			m := move{file, policy, was, references(now)[policy], proposed[policy]}
			if m.old == m.new {
				continue
			}
			k.tell("%s: %s becomes %s", m.place(), m.old, m.new)
			if wrong := k.wrong(m); wrong != "" {
				k.fail("%s: %s becomes %s: %s", m.place(), m.old, m.new, wrong)
			}
			k.memory.wrote[m.place()] = m.new
			if k.push == "main" {
				k.memory.shown[m.place()] = m.new
			}
		}
	}
}

func (k *walk) show(revision, file string) string {
	return k.Repo.Git("show", revision+":"+file) + "\n"
}

// end has the weather clear up: the bot must take the best tag then.
func (k *walk) end() {
	k.t.Helper()
	for _, s := range k.shelves {
		s.fault = sound
		k.put(s, "1.9.0", 0)
		k.list(s, s.all)
	}
	k.tell("all is well again")
	for range 2 {
		k.cycle(1)
		k.Pass(1000 * time.Hour)
	}
	k.cycle(1)
	if k.Repo.Git("fsck", "--strict"); k.gate.patch {
		return
	}
	for _, file := range []string{"a.yaml", "b.yaml"} {
		for policy, shows := range references(k.Repo.File(k.push, file)) {
			if shows.tag != "1.9.0" {
				k.fail("%s %s shows %s in the end", file, policy, shows)
			}
		}
	}
}

// FuzzCycle: whatever a registry answers, people commit and happens to the
// ledger, the bot writes only what passed every gate, a site as a whole, and
// nothing else; and it writes once.
func FuzzCycle(f *testing.F) {
	for seed := range 18 {
		data := make([]byte, 40)
		_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(data) // never fails
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 100 {
			return // the same again, and slow: an input has ten seconds
		}
		t.Parallel()
		k := newWalk(t, data)
		for len(k.choices.left) > 0 {
			for range 1 + k.choices.of(3) {
				k.step()
			}
			k.cycle(1 + k.choices.of(4)/3)
			before := k.heads()
			if k.cycle(1); !k.unlisted && before[k.push] != k.heads()[k.push] {
				k.fail("the same again did something")
			}
		}
		k.end()
	})
}
