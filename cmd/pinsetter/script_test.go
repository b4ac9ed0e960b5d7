package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
	"github.com/pinsetter/pinsetter/parts/notary"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pinsetter": main})
}

// TestScripts runs the stories in testdata/scripts. Each has its own servers;
// beside testscript's commands it has those of scriptCommands.
func TestScripts(t *testing.T) {
	parts.Need(t, "git")
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "scripts"),
		Cmds:                allCommands(),
		Setup:               setup,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// allCommands are scriptCommands, forgeCommands and cloudCommands.
func allCommands() map[string]func(*testscript.TestScript, bool, []string) {
	all := maps.Clone(scriptCommands)
	maps.Copy(all, forgeCommands)
	maps.Copy(all, cloudCommands)
	return all
}

// world is a script's servers.
type world struct {
	registry *parts.Registry
	git      *parts.Git
	repos    map[string]*parts.Repository
	signers  map[string]*parts.Signer
	sigstore *keyless.Sigstore
	notary   notary.Notary
	forge    scriptForge // nil: not opened
	t        parts.T
}

type worldKey struct{}

// setup starts a registry, whose address is $REG, and a Git server.
func setup(env *testscript.Env) error {
	t := scriptT{fatal: func(format string, args ...any) { env.T().Fatal(sprintf(format, args...)) }, env: env}
	w := &world{
		registry: parts.NewRegistry(t, parts.RegistryOptions{}),
		git:      parts.NewGit(t, parts.GitOptions{}),
		repos:    map[string]*parts.Repository{},
		signers:  map[string]*parts.Signer{},
		t:        t,
	}
	env.Values[worldKey{}] = w
	env.Setenv("REG", w.registry.Addr)
	env.Setenv("GIT", w.git.URL)
	env.Setenv("NO_COLOR", "1")
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o755)
}

// scriptCommands are what scripts do to their servers.
//
//	push IMAGE TAG...          images at the registry
//	chart IMAGE VERSION...     a Helm chart
//	artifact IMAGE TAG         an artifact as Flux's command line makes it
//	index-server VAR FILE [USER PASSWORD]  a chart repository over HTTP with FILE as
//	                           its index.yaml; its URL is set as VAR
//	tags IMAGE TAG...          the registry lists exactly these
//	moved IMAGE TAG            another image under the tag
//	digest VAR IMAGE TAG       sets VAR to the tag's digest
//	signer NAME                a key pair; NAME.pub is the public key
//	sign IMAGE TAG NAME [HOW]  the signer signs what the tag names, as cosign 3 does,
//	                           or as HOW says: legacy, attest
//	sigstore FILE              a Sigstore; FILE is its trusted root
//	certify IMAGE TAG SUBJECT ISSUER [HOW]  somebody with a certificate of it signs
//	                           what the tag names, as sign does
//	notary FILE                a signer by notation; FILE is its authority's certificate
//	notarize IMAGE TAG         it signs what the tag names
//	repo NAME DIR [HOOK]       a repository with the files of DIR; URL in $NAME
//	server NAME DIR [USER PASSWORD TOKEN]  a Git server of its own with the
//	                           repository fleet, of the files of DIR; URL in $NAME
//	human NAME BRANCH PATH FILE  somebody commits FILE as PATH
//	cmprepo NAME BRANCH PATH FILE  PATH has the bytes of FILE
//	git NAME ARG...            C git in the repository; its output is stdout's
//	head VAR NAME BRANCH       sets VAR to the branch's commit
//	same A B                   two words are equal
//	status N PROGRAM ARG...    exec that ends with status N
//	requests METHOD PART N     the registry had N such requests
//	expand FILE...             $VAR and ${VAR} in files
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"push":         func(ts *testscript.TestScript, _ bool, a []string) { of(ts).registry.Push(a[0], a[1:]...) },
	"index":        func(ts *testscript.TestScript, _ bool, a []string) { of(ts).registry.PushIndex(a[0], a[1], a[2:]...) },
	"chart":        func(ts *testscript.TestScript, _ bool, a []string) { of(ts).registry.PushChart(a[0], a[1:]...) },
	"index-server": indexServer,
	"tags":         func(ts *testscript.TestScript, _ bool, a []string) { of(ts).registry.SetTags(a[0], a[1:]...) },
	"artifact":     pushArtifact,
	"built":        func(ts *testscript.TestScript, _ bool, a []string) { of(ts).registry.PushBuilt(a[0], a[1], a[2], a[3]) },
	"moved":        func(ts *testscript.TestScript, _ bool, a []string) { of(ts).registry.PushContent(a[0], a[1], "moved") },
	"digest": func(ts *testscript.TestScript, _ bool, a []string) {
		ts.Setenv(a[0], of(ts).registry.Digest(a[1], a[2]))
	},
	"repo":   repo,
	"signer": signer,
	"sign":   sign,
	"sigstore": func(ts *testscript.TestScript, _ bool, a []string) {
		made := keyless.New(of(ts).t)
		of(ts).sigstore = made
		ts.Check(os.WriteFile(ts.MkAbs(a[0]), made.Root(keyless.Log, keyless.TimestampIssuer), 0o644))
	},
	"certify": certify,
	"notary": func(ts *testscript.TestScript, _ bool, a []string) {
		of(ts).notary = notary.New(of(ts).t)
		ts.Check(os.WriteFile(ts.MkAbs(a[0]), of(ts).notary.PEM(), 0o644))
	},
	"notarize": func(ts *testscript.TestScript, _ bool, a []string) {
		digest := of(ts).registry.Digest(a[0], a[1])
		of(ts).notary.Sign(&of(ts).registry.Shelf, a[0], digest, digest, notary.JWS)
	},
	"server":   gitServer,
	"human":    human,
	"cmprepo":  cmprepo,
	"same":     same,
	"git":      git,
	"head":     func(ts *testscript.TestScript, _ bool, a []string) { ts.Setenv(a[0], of(ts).repos[a[1]].Head(a[2])) },
	"requests": requests,
	"status":   status,
	"expand":   expand,
}

func of(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func indexServer(ts *testscript.TestScript, _ bool, a []string) {
	o := parts.FrontOptions{}
	if len(a) > 2 {
		o.User, o.Password = a[2], a[3]
	}
	c := parts.NewChartRepository(of(ts).t, o)
	c.SetIndex(ts.ReadFile(a[1]))
	ts.Setenv(a[0], c.URL)
}

func pushArtifact(ts *testscript.TestScript, _ bool, a []string) {
	of(ts).registry.PushArtifact(a[0], a[1], "main@sha1:"+strings.Repeat("0", 40), map[string]string{"a.yaml": "a: 1\n"})
}

func signer(ts *testscript.TestScript, _ bool, a []string) {
	made := parts.NewSigner(of(ts).t)
	of(ts).signers[a[0]] = made
	ts.Check(os.WriteFile(ts.MkAbs(a[0]+".pub"), []byte(made.PublicKey), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(a[0]+".key"), []byte(made.PrivateKey), 0o600))
}

func sign(ts *testscript.TestScript, _ bool, a []string) {
	registry, by := of(ts).registry, of(ts).signers[a[2]]
	digest := registry.Digest(a[0], a[1])
	switch how := strings.Join(a[3:], ""); how {
	case "":
		registry.Sign(a[0], digest, by)
	case "legacy":
		registry.SignLegacy(a[0], digest, by, 1)
	case "attest":
		registry.Attest(a[0], digest, parts.ProvenancePredicate, by)
	default:
		ts.Fatalf("no way to sign is called %s", how)
	}
}

func certify(ts *testscript.TestScript, _ bool, a []string) {
	registry, by := of(ts).registry, keyless.Signing{Subject: a[2], Issuer: a[3]}
	digest := registry.Digest(a[0], a[1])
	switch how := strings.Join(a[4:], ""); how {
	case "":
		of(ts).sigstore.Sign(&registry.Shelf, a[0], digest, by)
	case "legacy":
		of(ts).sigstore.SignLegacy(&registry.Shelf, a[0], digest, by)
	case "attest":
		const predicate = `{"buildDefinition":{"externalParameters":{"workflow":{"repository":"https://github.com/org/app"}}},"runDetails":{"builder":{"id":"https://builder.example/v1"}}}`
		content := of(ts).sigstore.Bundle(digest, parts.ProvenancePredicate, predicate, by)
		registry.Refer(a[0], digest, parts.Referrer{Content: content, Predicate: parts.ProvenancePredicate})
	default:
		ts.Fatalf("no way to sign is called %s", how)
	}
}

func repo(ts *testscript.TestScript, _ bool, a []string) {
	o := parts.RepositoryOptions{Folder: ts.MkAbs(a[1])}
	if len(a) > 2 {
		o.Hooks = map[string]string{"pre-receive": ts.ReadFile(a[2])}
	}
	r := of(ts).git.NewRepository(a[0], o)
	of(ts).repos[a[0]] = r
	ts.Setenv(a[0], r.URL)
}

func gitServer(ts *testscript.TestScript, _ bool, a []string) {
	o := parts.GitOptions{}
	if len(a) > 2 {
		o.User, o.Password, o.Bearer = a[2], a[3], a[4]
	}
	r := parts.NewGit(of(ts).t, o).NewRepository("fleet", parts.RepositoryOptions{Folder: ts.MkAbs(a[1])})
	of(ts).repos[a[0]] = r
	ts.Setenv(a[0], r.URL)
}

func human(ts *testscript.TestScript, _ bool, a []string) {
	of(ts).repos[a[0]].CommitFile(a[1], a[2], ts.ReadFile(a[3]), "")
}

func cmprepo(ts *testscript.TestScript, neg bool, a []string) {
	got, want := of(ts).repos[a[0]].File(a[1], a[2]), ts.ReadFile(a[3])
	if (got == want) == neg {
		ts.Fatalf("%s of branch %s:\n%s\nfile %s:\n%s", a[2], a[1], got, a[3], want)
	}
}

func git(ts *testscript.TestScript, neg bool, a []string) {
	_, _ = ts.Stdout().Write([]byte(of(ts).repos[a[0]].Git(a[1:]...) + "\n"))
}

func same(ts *testscript.TestScript, neg bool, a []string) {
	if (a[0] == a[1]) == neg {
		ts.Fatalf("%s and %s", a[0], a[1])
	}
}

func status(ts *testscript.TestScript, _ bool, a []string) {
	err := ts.Exec(a[1], a[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	}
	if sprintf("%d", got) != a[0] {
		ts.Fatalf("status %d, not %s", got, a[0])
	}
}

func requests(ts *testscript.TestScript, _ bool, a []string) {
	if got := of(ts).registry.Log.Count(a[0], a[1]); sprintf("%d", got) != a[2] {
		ts.Fatalf("the registry had %d requests %s with %q, not %s", got, a[0], a[1], a[2])
	}
}

func expand(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		text := os.Expand(ts.ReadFile(file), func(name string) string {
			if value := ts.Getenv(name); value != "" {
				return value
			}
			return "$" + name
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}
