package main

import (
	"strconv"
	"strings"
)

// module is what import paths begin with.
const module = "github.com/pinsetter/pinsetter/"

// benchmark is a Go benchmark of the suite.
type benchmark struct {
	room  string // the package's folder
	name  string // without Benchmark
	times int    // how often each of its rows is measured
	rows  []row
}

// row is one kind of work. In below and work # stands for its size.
type row struct {
	below     string // the name below the benchmark's; "" where it has none
	sizes     []int  // from the smallest; none where it is measured at one size
	work      string
	yardstick string
	unit      string // of the ratio to the yardstick
	targets   []target
	cost      bool // stands in the table of libraries
}

// target is the most that a value may be, from a size on.
type target struct {
	unit string
	most float64
	from int
}

// each returns a row's sizes: 0 where it is measured at one that has no name.
func (r row) each() []int {
	if len(r.sizes) == 0 {
		return []int{0}
	}
	return r.sizes
}

// at returns a text with a size in it.
func at(text, size string) string { return strings.ReplaceAll(text, "#", size) }

// result returns what go test calls a row at a size.
func (b benchmark) result(r row, size int) result {
	name := b.name
	if r.below != "" {
		name += "/" + at(r.below, strconv.Itoa(size))
	}
	return result{pkg: module + b.room, name: name}
}

var (
	files    = []int{1_000, 10_000, 100_000}
	policies = []int{10, 100, 1_000, 10_000}
	tags     = []int{100, 1_000, 10_000, 100_000}
)

// bounded is the most memory that any input may take.
var bounded = []target{{unit: "peak-MB", most: 256}}

// suite is what `make bench` runs, in that order.
var suite = []benchmark{
	{"cmd/pinsetter", "Start", 20, []row{
		{work: "`pinsetter version`", yardstick: "`/bin/true`", unit: "x-true", targets: []target{{unit: "peak-MB", most: 18}}},
	}},
	{"cmd/pinsetter", "Run", 10, []row{
		{
			below: "files=#/nothing", sizes: files, work: "`run`, nothing changed, # files", unit: "x-git",
			yardstick: "`git ls-remote` of one ref and one list of tags by `curl`",
			targets:   []target{{unit: "x-git", most: 2, from: 100_000}},
		},
		{
			below: "files=#/ten", sizes: files, work: "`run`, ten files changed of #", unit: "x-git",
			yardstick: "C git's clone without blobs, depth 1, no checkout",
			targets:   []target{{unit: "x-git", most: 1, from: 100_000}},
		},
		{
			below: "files=#/first", sizes: files, work: "first `run`, # files", unit: "x-git",
			yardstick: "C git's clone, depth 1, no checkout",
			targets:   []target{{unit: "x-git", most: 1, from: 10_000}, {unit: "peak-MB", most: 256, from: 100_000}},
		},
	}},
	{"cmd/pinsetter", "Serve", 10, []row{
		{
			below: "images=#", sizes: []int{10, 100, 1_000}, work: "`serve`, a cycle over # images, nothing changed: Git", unit: "x-git-request",
			yardstick: "one request", targets: []target{{unit: "x-git-request", most: 1}},
		},
		{
			below: "images=#", sizes: []int{10, 100, 1_000}, work: "`serve`, a cycle over # images, nothing changed: registry", unit: "x-registry-request",
			yardstick: "one request an image", targets: []target{{unit: "x-registry-request", most: 1}},
		},
	}},
	{"cmd/pinsetter", "Sources", 5, []row{
		{
			below: "repositories=100", work: "`run`, 100 repositories, nothing changed: Git", unit: "x-repository",
			yardstick: "one request a repository", targets: []target{{unit: "x-repository", most: 1}},
		},
		{
			below: "branches=200", work: "`run`, 200 automations of one repository, a push branch each, nothing changed: Git", unit: "x-repository",
			yardstick: "one request", targets: []target{{unit: "x-repository", most: 3}},
		},
	}},
	{"cmd/pinsetter", "Pushed", 5, []row{
		{
			work: "the `run` after one that pushed, 1,000 files", unit: "x-noop",
			yardstick: "the `run` after it", targets: []target{{unit: "extra-requests", most: 0}},
		},
	}},
	{"cmd/pinsetter", "Images", 3, []row{
		{
			below: "images=#", sizes: []int{1_000, 10_000}, work: "`run`, # images of 100 tags with a policy each, nothing changed: computing", unit: "x-get",
			yardstick: "a program that reads the same lists", targets: []target{{unit: "x-get", most: 4}, {unit: "peak-MB", most: 160, from: 10_000}},
		},
	}},
	{"cmd/pinsetter", "Policies", 5, []row{
		{
			below: "policies=#", sizes: policies, work: "`run`, # policies, nothing to do: memory", unit: "x-memory",
			yardstick: "memory with 100 policies of 10 images",
			targets:   []target{{unit: "x-memory", most: 4, from: 10_000}},
		},
	}},
	{"cmd/pinsetter", "Sights", 3, []row{
		{
			work: "first `run`, 4,000 images that are 38 tags behind, with `minAge`: computing", unit: "x-thousand",
			yardstick: "1,000 such images", targets: []target{{unit: "x-thousand", most: 4.5}},
		},
	}},
	{"cmd/pinsetter", "Gated", 1, []row{
		{
			below: "images=#", sizes: []int{10, 100, 1_000}, work: "first `run`, # images that are 38 tags behind and 50 ms away, with `minAge`", unit: "x-floor",
			yardstick: "requests × 50 ms / 16", targets: []target{{unit: "x-floor", most: 1.5}},
		},
	}},
	{"cmd/pinsetter", "Signed", 3, []row{
		{
			below: "bundle/first", work: "first `run`, 1,000 images that a Gate's `verify` demands to be signed with a key, bundles: requests it adds", unit: "x-candidate",
			yardstick: "one request a candidate", targets: []target{{unit: "x-candidate", most: 3}},
		},
		{
			below: "tag/first", work: "the same, signatures under the tag `.sig`: requests it adds", unit: "x-candidate",
			yardstick: "one request a candidate", targets: []target{{unit: "x-candidate", most: 4}},
		},
		{
			below: "keyless/first", work: "the same, 100 images signed without a key, bundles: requests it adds", unit: "x-candidate",
			yardstick: "one request a candidate", targets: []target{{unit: "x-candidate", most: 3}},
		},
		{
			below: "bundle/warm", work: "`run`, nothing to do, 1,000 verified images, bundles: computing", unit: "x-plain",
			yardstick: "the same without `verify`", targets: []target{{unit: "extra-requests", most: 0}},
		},
		{
			below: "tag/warm", work: "`run`, nothing to do, 1,000 verified images, signatures under the tag `.sig`: computing", unit: "x-plain",
			yardstick: "the same without `verify`", targets: []target{{unit: "extra-requests", most: 0}},
		},
		{
			below: "keyless/warm", work: "`run`, nothing to do, 100 verified images, signed without a key: computing", unit: "x-plain",
			yardstick: "the same without `verify`", targets: []target{{unit: "extra-requests", most: 0}},
		},
	}},
	{"cmd/pinsetter", "Set", 5, []row{
		{
			below: "files=#/marked=1%/change=nothing", sizes: files, work: "`set`, # files, 1 % marked, nothing to change", unit: "x-grep", yardstick: grep,
			targets: []target{{unit: "peak-MB", most: 32, from: 100_000}},
		},
		{
			below: "files=#/marked=1%/change=all", sizes: files, work: "`set`, # files, 1 % marked, all change", unit: "x-grep", yardstick: grep,
			targets: []target{{unit: "peak-MB", most: 32, from: 100_000}},
		},
		{below: "files=#/marked=10%/change=nothing", sizes: files, work: "`set`, # files, 10 % marked, nothing to change", unit: "x-grep", yardstick: grep},
		{below: "files=#/marked=10%/change=all", sizes: files, work: "`set`, # files, 10 % marked, all change", unit: "x-grep", yardstick: grep},
	}},
	{"cmd/pinsetter", "Rewrite", 3, []row{
		{
			below: "plain/change=nothing", work: "`set`, 100,000 files, 10 % marked, nothing to change: computing", unit: "x-grep",
			yardstick: grep, targets: []target{{unit: "x-grep", most: 1.7}},
		},
		{
			below: "plain/change=all", work: "`set`, 100,000 files, 10 % marked, all change: computing", unit: "x-sed",
			yardstick: sed, targets: []target{{unit: "x-sed", most: 2.5}},
		},
		{below: "plain/change=all", work: "`set`, 100,000 files, 10 % marked, all change: computing, beside Flux", unit: "x-flux", yardstick: setter, targets: []target{{unit: "x-flux", most: 0.2}}},
		{
			below: "rich/change=nothing", work: "`set`, 10,000 files of four documents with comments, 10 % with three markers, nothing to change: computing", unit: "x-grep",
			yardstick: grep,
		},
		{
			below: "rich/change=all", work: "`set`, 10,000 files of four documents with comments, 10 % with three markers, all change: computing", unit: "x-sed",
			yardstick: sed,
		},
		{below: "rich/change=all", work: "`set`, 10,000 files of four documents, 10 % with three markers, all change: computing, beside Flux", unit: "x-flux", yardstick: setter, targets: []target{{unit: "x-flux", most: 0.2}}},
		{
			below: "marked/change=all", work: "`set`, 1,000 files, all marked, all change: computing", unit: "x-flux",
			yardstick: setter, targets: []target{{unit: "x-flux", most: 0.5}},
		},
	}},
	{"cmd/pinsetter", "SetMemory", 3, []row{
		{
			work: "`set`, 100,000 files, 1 % marked, all change: memory", unit: "x-memory",
			yardstick: start, targets: []target{{unit: "extra-MB", most: 14}},
		},
	}},
	{"cmd/pinsetter", "Push", 3, []row{
		{
			work: "first `run`, 1,000 files of 10,000 changed and pushed: computing", unit: "x-git",
			yardstick: "C git's clone of depth 1, `grep`, `sed`, commit and push", targets: []target{{unit: "x-git", most: 0.35}},
		},
	}},
	{"cmd/pinsetter", "Worst", 1, []row{
		{below: "objects", work: "`lint` of one list of 25,000 objects: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "kustomize", work: "`lint -k` of 1,900 objects that get 23 labels: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "marked", work: "`lint` of a marked file of 360,000 values: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "changes", work: "`set` of 10 files with 25,000 values that change each: memory", unit: "x-memory", yardstick: start, targets: bounded},
	}},
	{"cmd/pinsetter", "WorstAnswers", 1, []row{
		{below: "tags", work: "`run`, beside an image of a million versions: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "escapes", work: "`run`, beside an image of a million versions, in escapes of JSON: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "malformed", work: "`run`, beside an image of a million names that are no tags: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "page", work: "`run`, beside an image whose list of tags has 300 MB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "crowd", work: "`run`, beside 17 images of a million versions each: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "policies", work: "`run`, beside 17 policies of an image of a million versions: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "gate", work: "`run`, beside an image of a million versions that must wait: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "token", work: "`run`, beside a token server that answers 300 MB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "manifest", work: "`run`, beside a manifest of 300 MB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "index", work: "`run`, beside a chart index of 99 MB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "forge", work: "`run`, beside a forge that lists 10,000 pull requests a page: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "explain", work: "`explain` of an image of a million versions: memory", unit: "x-memory", yardstick: start, targets: []target{{unit: "peak-MB", most: 300}}},
	}},
	{"cmd/pinsetter", "WorstGit", 1, []row{
		{below: "files", work: "`run`, beside a repository of 490,000 tiny files: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "marked", work: "`run`, beside a repository of 490,000 tiny files with markers: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "findings", work: "`run`, beside a repository of 40,000 marked files with a finding each: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "large", work: "`run`, beside a repository of 100 marked files of 3 MiB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "markers", work: "`run`, beside a repository of 4 files of 300,000 markers each: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "commit", work: "`run`, beside a repository of a commit of 300 MB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "tag", work: "`run`, beside a repository of a tag of 300 MB: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "tree", work: "`run`, beside a repository of a directory of 6,000,000 files: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "wide", work: "`run`, beside a repository of 3 directories of 400,000 files each: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "shared", work: "`run`, beside a repository of 100 directories that stand for 10^99 files: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "deltas", work: "`run`, beside a repository of 490,000 changes to objects that never come: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "refs", work: "`run`, beside a repository of 900,000 branches: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "refs-v0", work: "`run`, beside a repository of 900,000 branches in version 0 of the protocol: memory", unit: "x-memory", yardstick: start, targets: bounded},
		{below: "refs-ssh", work: "`run`, beside a repository of 900,000 branches over ssh: memory", unit: "x-memory", yardstick: start, targets: bounded},
	}},
	{"cmd/pinsetter", "Init", 3, []row{
		{
			work: "`init`, 10,000 files of 300 images that are 50 ms away", unit: "x-floor",
			yardstick: floor + ", and `lint` of the tree", targets: []target{{unit: "x-floor", most: 1.5}},
		},
	}},
	{"cmd/pinsetter", "Artifact", 3, []row{
		{
			below: "MB=#/push", sizes: []int{100, 500}, work: "`artifact push`, # MB in 10,000 files", unit: "x-oras",
			yardstick: "`oras push` of the folder", targets: []target{{unit: "x-oras", most: 1}, {unit: "peak-MB", most: 64}},
		},
		{
			below: "MB=#/pull", sizes: []int{100, 500}, work: "`artifact pull`, # MB in 10,000 files", unit: "x-oras",
			yardstick: "`oras pull`", targets: []target{{unit: "x-oras", most: 1}, {unit: "peak-MB", most: 64}},
		},
	}},
	{"cmd/pinsetter", "Gitless", 10, []row{
		{
			work: "`run` of an ArtifactAutomation, nothing to do, 1,000 manifests: computing", unit: "x-git",
			yardstick: "`run` over the same in Git", targets: []target{{unit: "x-git", most: 1}},
		},
	}},
	{"gitops", "ManyRefs", 10, []row{
		{work: "fetch of one branch among 50,000 refs", yardstick: "`git ls-remote` of that branch", unit: "x-ls-remote"},
	}},
	{"registry", "ListMany", 3, []row{
		{
			below: "images=#/anonymous", sizes: []int{100, 1_000}, work: "# images of 100 tags, 50 ms away, 16 requests in flight", unit: "x-floor",
			yardstick: floor, targets: []target{{unit: "x-floor", most: 1.1, from: 1_000}},
		},
		{
			below: "images=#/tokens", sizes: []int{100, 1_000}, work: "# images of 100 tags, 50 ms away, a token for each", unit: "x-floor",
			yardstick: floor, targets: []target{{unit: "x-floor", most: 2.1, from: 1_000}},
		},
	}},
	{"registry", "ListDistribution", 5, []row{
		{
			below: "tags=#", sizes: tags, work: "one image of # tags, distribution 3, 50 ms away", unit: "x-plain",
			yardstick: "one request for all tags", targets: []target{{unit: "x-plain", most: 2, from: 100_000}},
		},
	}},
	{"registry", "ListPages", 5, []row{
		{below: "first", work: "one image of 100,000 tags in pages of 1,000, 50 ms away", unit: "x-sequence", yardstick: "100 × 50 ms"},
		{below: "again", work: "one image of 100,000 tags in pages of 1,000, 50 ms away, listed before", unit: "x-sequence", yardstick: "100 × 50 ms"},
	}},
	{"policy", "Matcher", 10, []row{
		{
			below: "signatures", work: "100,000 tags, every other one a signature's, matched with `^.*\\.sig$`", unit: "x-regexp",
			yardstick: "Go's regexp alone", targets: []target{{unit: "x-regexp", most: 0.1}},
		},
		{below: "versions", work: "the same, matched with `^v([0-9]+)\\.[0-9]+\\.[0-9]+$`", unit: "x-regexp", yardstick: "Go's regexp alone"},
	}},
	{"policy", "ManyPolicies", 5, []row{
		{
			below: "semver", work: "10,000 SemVer policies of one image of 10,000 tags", unit: "x-yardstick",
			yardstick: "one such policy", targets: []target{{unit: "x-yardstick", most: 100}},
		},
		{below: "semver-filtered", work: "10,000 SemVer policies with filters of one image of 10,000 tags", unit: "x-yardstick", yardstick: "one such policy"},
		{below: "alphabetical", work: "10,000 alphabetical policies of one image of 10,000 tags", unit: "x-yardstick", yardstick: "one such policy"},
		{below: "alphabetical-filtered", work: "10,000 alphabetical policies with filters of one image of 10,000 tags", unit: "x-yardstick", yardstick: "one such policy"},
	}},
	{"policy", "Select", 10, []row{
		{below: "semver", work: "the best of 100,000 tags, SemVer", unit: "x-yardstick", yardstick: "a strict SemVer parse of each tag"},
		{below: "alphabetical", work: "the best of 100,000 tags, alphabetical", unit: "x-yardstick", yardstick: "a strict SemVer parse of each tag"},
		{below: "numerical-filtered", work: "the best of 100,000 tags, numerical with a filter", unit: "x-yardstick", yardstick: "a strict SemVer parse and a match of each tag"},
	}},
	{"scanner", "ManyPolicies", 5, []row{
		{work: "scan for 10,000 policies of one image of 10,000 tags", yardstick: "the same for one policy", unit: "x-one"},
	}},
	{"bot", "Gates", 5, []row{
		{
			work: "a cycle of 1,000 policies with gates, all known", yardstick: "the same without gates", unit: "x-nogates",
			targets: []target{{unit: "extra-requests", most: 0}},
		},
	}},
	{"bot", "Proposals", 5, []row{
		{
			below: "groups=#", sizes: []int{1, 10, 100}, work: "a cycle, # open pull requests, nothing to do", unit: "x-page",
			yardstick: "one conditional request to the forge for a page of a list", targets: []target{{unit: "x-page", most: 1}, {unit: "requests", most: 3}},
		},
	}},
	{"cmd/bench", "Libraries", 10, libraryRows()},
}

const (
	grep   = "`grep -rlF` for the marker"
	sed    = "`grep -rlZF` for the marker, and `sed -i` of its files"
	setter = "what Flux's setter does, with its libraries"
	floor  = "images × 50 ms / 16"
	start  = "memory of `pinsetter version`"
)
