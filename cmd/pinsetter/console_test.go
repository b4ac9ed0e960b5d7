package main

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pinsetter/pinsetter/parts"
)

// consolePage is a document whose console blocks a script of testdata/docs runs.
type consolePage struct {
	console, yaml []string // the blocks
	next          int      // block of the console
	dir           string   // that the commands of a block went to
	wrong         []string // outputs that aren't as the page says
}

type consoleKey struct{}

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	yamlBlock    = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
)

func readConsolePage(path string) (*consolePage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := func(block *regexp.Regexp) (texts []string) {
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			texts = append(texts, found[1])
		}
		return texts
	}
	return &consolePage{console: all(consoleBlock), yaml: all(yamlBlock)}, nil
}

// TestConsoleOfThePages runs the console blocks of README and docs, in order, and
// compares what they print. A page's script in testdata/docs has its name and sets
// the scene. Beside the commands of TestScripts it has
//
//	block           runs the next console block, and compares the output
//	unrun REASON    passes over the next one
//	yaml N FILE     writes the page's Nth block of YAML, with our addresses
//	demo DIR        DIR/fleet is the folder of make demo, DIR/secrets its Secret, and
//	                $FLEET a repository of it
//
// A line "…" stands for any lines, and "…" in a line for any text. Hashes, dates and
// the widths of columns differ from run to run.
func TestConsoleOfThePages(t *testing.T) {
	parts.Need(t, "git")
	var mu sync.Mutex
	pages := map[string]*consolePage{}
	t.Run("pages", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir: filepath.Join(repositoryRoot, "testdata", "docs"), Cmds: consoleCommands(), RequireExplicitExec: true, RequireUniqueNames: true,
			Setup: func(env *testscript.Env) error {
				name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
				page, err := readConsolePage(pathOfPage(name))
				if err != nil {
					return err
				}
				mu.Lock()
				pages[name] = page
				mu.Unlock()
				env.Values[consoleKey{}] = page
				return setup(env)
			},
		})
	})
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	for _, path := range append(paths, "../../README.md") {
		page, err := readConsolePage(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		ran := pages[name]
		switch {
		case len(page.console) == 0:
		case ran == nil:
			if _, err := os.Stat(filepath.Join(repositoryRoot, "testdata", "docs", name+".txtar")); err != nil { // else -run passes over it
				t.Errorf("no script runs the console blocks of %s: %v", path, err)
			}
		case ran.next != len(page.console) && !t.Failed():
			t.Errorf("testdata/docs/%s.txtar runs %d console blocks of %d", name, ran.next, len(page.console))
		default:
			for _, wrong := range ran.wrong {
				t.Errorf("%s: %s", path, wrong)
			}
		}
	}
}

// consoleCommands are allCommands and those of pages.
func consoleCommands() map[string]func(*testscript.TestScript, bool, []string) {
	all := allCommands()
	all["block"], all["yaml"], all["demo"] = runBlock, writeYAML, demoFleet
	all["unrun"] = func(ts *testscript.TestScript, _ bool, a []string) {
		ts.Logf("not run: %s: %s", strings.Join(a, " "), nextBlock(ts))
	}
	return all
}

// repositoryRoot leads from this package.
var repositoryRoot = filepath.Join("..", "..")

// pathOfPage returns where a page lies.
func pathOfPage(name string) string {
	if name == "README" {
		return filepath.Join(repositoryRoot, "README.md")
	}
	return filepath.Join(repositoryRoot, "docs", name+".md")
}

func pageOf(ts *testscript.TestScript) *consolePage {
	return ts.Value(consoleKey{}).(*consolePage)
}

// nextBlock takes the next console block of a page.
func nextBlock(ts *testscript.TestScript) string {
	page := pageOf(ts)
	if page.next == len(page.console) {
		ts.Fatalf("the page has %d console blocks", page.next)
	}
	page.next++
	return page.console[page.next-1]
}

// writeYAML writes a block of YAML to a file, with the addresses of the script.
func writeYAML(ts *testscript.TestScript, _ bool, a []string) {
	n, err := strconv.Atoi(a[0])
	yaml := pageOf(ts).yaml
	if err != nil || n < 1 || n > len(yaml) {
		ts.Fatalf("the page has %d blocks of YAML", len(yaml))
	}
	ts.Check(writeFile(ts.MkAbs(a[1]), addressed(ts, yaml[n-1])))
}

// addressed returns a text of a page with the addresses of the script's servers.
func addressed(ts *testscript.TestScript, text string) string {
	return strings.NewReplacer("https://git.example/org/fleet.git", ts.Getenv("FLEET"), "registry.example", of(ts).registry.Addr).Replace(text)
}

// anonymous returns what a program printed with the addresses of the pages.
func anonymous(ts *testscript.TestScript, text string) string {
	return strings.NewReplacer(cmp.Or(ts.Getenv("FLEET"), of(ts).git.URL), "https://git.example/org/fleet.git", of(ts).registry.Addr, "registry.example",
		"users.noreply.127.0.0.1", "users.noreply.git.example", cmp.Or(ts.Getenv("FORGE"), of(ts).git.URL)+"/bot/", "https://github.example/acme/").Replace(text)
}

// demoFleet lays out what make demo has. The registry is stocked by the script.
func demoFleet(ts *testscript.TestScript, _ bool, a []string) {
	const user, password = "fleet-bot", "only-for-the-demo"
	git := parts.NewGit(of(ts).t, parts.GitOptions{FrontOptions: parts.FrontOptions{User: user, Password: password}})
	fleet, from := filepath.Join(ts.MkAbs(a[0]), "fleet"), os.DirFS(filepath.Join(repositoryRoot, "cmd", "demo", "fleet"))
	addresses := strings.NewReplacer("registry.example", of(ts).registry.Addr, "http://git.example", git.URL)
	ts.Check(fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(fleet, path), addresses.Replace(string(data)))
	}))
	ts.Setenv("FLEET", git.NewRepository("fleet", parts.RepositoryOptions{Folder: fleet}).URL)
	secret := filepath.Join(ts.MkAbs(a[0]), "secrets", "flux-system", "fleet")
	ts.Check(writeFile(filepath.Join(secret, "username"), user))
	ts.Check(writeFile(filepath.Join(secret, "password"), password))
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// runBlock runs the commands of the next block.
func runBlock(ts *testscript.TestScript, _ bool, _ []string) {
	page, text := pageOf(ts), nextBlock(ts)
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		if dir, found := strings.CutPrefix(command, "cd "); found {
			page.dir = filepath.Join(page.dir, dir)
			continue
		}
		if want = strings.TrimSuffix(want, "\n"); want != "" {
			want += "\n"
		}
		_ = ts.Exec("bash", "-c", "cd ./"+page.dir+"; exec 2>&1; "+addressed(ts, command)) // the output tells how it ended
		want, got := steady(want), steady(anonymous(ts, ts.ReadFile("stdout")))
		if !likeness(want).MatchString(got) {
			page.wrong = append(page.wrong, sprintf("$ %s\nprints otherwise (-page +program):\n%s\nall of it:\n%s", command, gocmp.Diff(want, got), anonymous(ts, ts.ReadFile("stdout"))))
		}
	}
}

var (
	digests = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	dates   = regexp.MustCompile(`\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[A-Z]{3,4}|[+-]\d\d:\d\d))?`)
	blanks  = regexp.MustCompile(`[ \t]+`)
	hashes  = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
)

// steady returns a text without what differs from run to run.
func steady(text string) string {
	text = dates.ReplaceAllString(digests.ReplaceAllString(text, "DIGEST"), "DATE")
	return regexp.MustCompile(` +\n`).ReplaceAllString(blanks.ReplaceAllString(hashes.ReplaceAllString(text, "HASH"), " "), "\n")
}

// likeness matches a text in which "…" stands for more.
func likeness(text string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(text)
	pattern = regexp.MustCompile(`(?m)^ ?…\n`).ReplaceAllString(pattern, `(?:.*\n)*`)
	return regexp.MustCompile(`^` + strings.ReplaceAll(pattern, "…", ".*") + `$`)
}
