package pinsetter_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pinsetter/pinsetter"

// rooms says who may import whom, test files aside. Nothing points up: a room
// imports rooms that stand above it here. Steps don't see each other; selector,
// plan and proposal hold what several of them do, bot alone knows their order, and
// keeper when they are done. What a room opens are the libraries that it is the only
// door to; a folder of a module stands for what is below it too.
var rooms = []struct {
	name  string
	rooms string
	opens string
}{
	{name: root},
	{name: "pause"},
	{name: "seats"},

	{name: "spec", rooms: root},
	{name: "policy", rooms: root + " spec", opens: "github.com/Masterminds/semver/v3"},
	{name: "gate", rooms: root + " spec", opens: "github.com/robfig/cron/v3"},
	{name: "message", rooms: root + " spec", opens: `
		text/template
		github.com/Masterminds/sprig/v3`},
	{name: "fleet", rooms: root + " spec policy gate message"},
	{name: "strict", rooms: root, opens: "go.yaml.in/yaml/v3"},
	{name: "lexer", rooms: root + " strict"},
	{name: "kustomize", rooms: root + " strict", opens: `
		sigs.k8s.io/kustomize/api
		sigs.k8s.io/kustomize/kyaml/filesys
		sigs.k8s.io/kustomize/kyaml/resid`},
	{name: "source", rooms: root},
	{name: "links", rooms: root + " source spec strict"},
	{name: "secret", rooms: root + " fleet strict"},
	{name: "claim", rooms: root + " fleet strict"},
	{name: "config/index", rooms: root + " claim fleet lexer source strict"},
	{name: "config", rooms: root + " config/index claim spec policy gate message fleet strict lexer kustomize source secret"},

	{name: "login", rooms: root, opens: "golang.org/x/net/http/httpproxy"},
	{name: "login/cloud", rooms: root + " login pause", opens: `
		github.com/Azure/azure-sdk-for-go
		github.com/aws/aws-sdk-go-v2
		github.com/aws/smithy-go
		golang.org/x/oauth2`},
	{name: "taglist", rooms: root},
	{name: "registry", rooms: root + " login pause taglist", opens: "github.com/google/go-containerregistry"},

	{name: "charts", rooms: root + " login strict"},
	{name: "scanner", rooms: root + " charts fleet registry taglist"},
	{name: "verify", rooms: root + " fleet registry", opens: `
		github.com/notaryproject
		github.com/opencontainers/image-spec
		github.com/sigstore
		github.com/theupdateframework/go-tuf/v2`},
	{name: "resolve", rooms: root + " spec fleet policy registry scanner verify"},
	{name: "artifact", rooms: root + " spec policy registry", opens: "github.com/fluxcd/pkg/sourceignore"},
	{name: "setters", rooms: root + " lexer strict", opens: "sigs.k8s.io/kustomize/kyaml/yaml"},
	{name: "deliver", rooms: root + " artifact fleet registry setters", opens: `
		golang.org/x/crypto/nacl/secretbox
		golang.org/x/crypto/scrypt`},
	{name: "adopt", rooms: root + " spec policy strict setters"},
	{name: "migrate", rooms: root + " adopt gate policy setters spec strict"},
	{name: "migrate/oci", rooms: root + " adopt migrate setters spec strict"},
	{name: "decide", rooms: root + " fleet gate policy setters spec"},
	{name: "git", rooms: root, opens: "github.com/pjbgf/sha1cd"},
	{name: "git/wire", rooms: root + " git"},
	{name: "gitops/address", rooms: root + " fleet"},
	{name: "gitops/refusal", rooms: root + " fleet git/wire"},
	{name: "gitops/httpclient", rooms: root + " pause fleet login gitops/address gitops/refusal"},
	{name: "gitops/sshclient", rooms: root + " pause fleet login gitops/refusal", opens: `
		github.com/hiddeco/sshsig
		github.com/skeema/knownhosts
		golang.org/x/crypto/ssh
		golang.org/x/net/proxy`},
	{name: "gitops/signing", rooms: root + " fleet gitops/sshclient", opens: "github.com/ProtonMail/go-crypto"},
	{name: "gitops", rooms: root + " pause fleet login git git/wire gitops/address gitops/httpclient gitops/refusal gitops/signing gitops/sshclient", opens: "github.com/go-git"},
	{name: "source/remote", rooms: root + " artifact fleet gitops registry source verify"},
	{name: "forge/exchange", rooms: root + " fleet login pause"},
	{name: "forge/githubapp", rooms: root + " fleet forge/exchange login"},
	{name: "forge", rooms: root + " fleet forge/exchange forge/githubapp login", opens: `
		code.gitea.io/sdk/gitea
		github.com/google/go-github
		gitlab.com/gitlab-org/api/client-go`},
	{name: "hook", rooms: root + " fleet login"},
	{name: "notify", rooms: root + " fleet login pause", opens: "github.com/nats-io"},
	{name: "folder", rooms: root + " setters", opens: "golang.org/x/sys/unix"},
	{name: "store", rooms: root + " pause", opens: `
		database/sql
		github.com/jackc/pgx/v5
		modernc.org/sqlite`},
	{name: "server", rooms: root + " store", opens: `
		github.com/prometheus/client_golang
		golang.org/x/crypto/bcrypt`},

	{name: "lint", rooms: root + " config fleet folder links login setters source spec strict"},
	{name: "selector", rooms: root + " decide fleet gate policy registry scanner spec store verify"},
	{name: "plan", rooms: root + " fleet decide gate setters message gitops store", opens: "github.com/aymanbagabas/go-udiff"},
	{name: "replay", rooms: root + " decide fleet gate gitops message plan selector setters"},
	{name: "proposal", rooms: root + " spec fleet decide gate message gitops forge store plan"},
	{name: "bot", rooms: root +
		" artifact charts decide deliver fleet folder forge gate gitops gitops/address lint login message pause plan policy proposal registry replay resolve scanner seats selector setters spec store verify"},

	{name: "keeper", rooms: root + " bot fleet seats store"},
	{name: "cmd/pinsetter/cli",
		rooms: root + " bot charts claim config fleet forge gitops login login/cloud registry secret source source/remote store strict verify",
		opens: `
		github.com/spf13
		golang.org/x/term
		sigs.k8s.io/yaml`},
	{name: "cmd/pinsetter/adopting",
		rooms: root + " adopt artifact charts cmd/pinsetter/cli config fleet folder migrate migrate/oci plan registry resolve scanner setters source source/remote spec"},
	{name: "cmd/pinsetter",
		rooms: root + " artifact bot cmd/pinsetter/adopting cmd/pinsetter/cli config fleet gitops hook keeper links lint login notify pause plan registry resolve server setters source store strict verify"},

	// Not shipped: real registries and Git servers, for tests and the demo.
	{name: "parts", rooms: root},
	{name: "parts/budget"},
	{name: "parts/keyless", rooms: root + " parts"},
	{name: "parts/notary", rooms: root + " parts"},
	{name: "parts/scene", rooms: root + " config fleet parts source store"},
	{name: "cmd/demo", rooms: root + " parts"},

	// Not shipped: runs the benchmarks, and builds what is released.
	{name: "cmd/bench"},
	{name: "cmd/release", opens: "golang.org/x/crypto/x509roots"},
}

// root is the name of the root package in the table: the words that rooms share.
const root = "pinsetter"

// common are the libraries that any room but the root may use. Tokens are signed
// in one room and checked in another.
var common = []string{"github.com/golang-jwt/jwt", "golang.org/x/sync"}

// borrowed are the libraries behind another room's door that rooms use: those of
// commands to say what their flags are, and rooms which aren't shipped, parts to be the
// other side of it and cmd/release to write an image.
var borrowed = map[string][]string{
	"cmd/pinsetter":          {"github.com/spf13/cobra"},
	"cmd/pinsetter/adopting": {"github.com/spf13/cobra"},
	"parts": {
		"github.com/getkin/kin-openapi",
		"github.com/google/go-containerregistry",
		"golang.org/x/crypto/bcrypt",
		"golang.org/x/crypto/ssh",
		"golang.org/x/sys/unix",
	},
	"parts/budget":  {"golang.org/x/sys/unix"},
	"parts/keyless": {"github.com/sigstore", "google.golang.org/protobuf"},
	"parts/notary":  {"github.com/notaryproject", "github.com/opencontainers", "golang.org/x/crypto/ocsp"},
	"cmd/release":   {"github.com/google/go-containerregistry", "sigs.k8s.io/yaml"},
}

// source is a Go file that isn't a test.
type source struct {
	path string
	room string
	file *ast.File
	set  *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		if entry.IsDir() && (hidden || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		room := filepath.ToSlash(filepath.Dir(name))
		if room == "." {
			room = root
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		all = append(all, source{path: name, room: room, file: file, set: set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRoomsImportWhatTheTableSays(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		seen[s.room] = true
		may, known := allowed(s.room)
		if !known {
			t.Errorf("%s: package %q is no room: give it a row in the table", s.path, s.room)
			continue
		}
		for _, spec := range s.file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !may(imported) {
				t.Errorf("%s: %s may not import %s", s.set.Position(spec.Pos()), s.room, imported)
			}
		}
	}
	for _, room := range rooms {
		if !seen[room.name] {
			t.Errorf("%q has a row in the table and no code", room.name)
		}
	}
}

// allowed returns what a room may import. It says no for a room without a row.
func allowed(room string) (may func(imported string) bool, known bool) {
	for _, row := range rooms {
		if row.name != room {
			continue
		}
		libraries := strings.Fields(row.opens)
		if room != root {
			libraries = append(libraries, common...)
		}
		libraries = append(libraries, borrowed[room]...)
		return func(imported string) bool {
			if ours, ok := own(imported); ok {
				return slices.Contains(strings.Fields(row.rooms), ours)
			}
			return within(imported, libraries) || standard(imported) && !opened(imported)
		}, true
	}
	return nil, false
}

// own returns the room that an import path names.
func own(imported string) (string, bool) {
	if imported == module {
		return root, true
	}
	return strings.CutPrefix(imported, module+"/")
}

// standard reports whether a package is of the standard library: the first part
// of any other's path has a dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// opened reports whether a package has a door.
func opened(imported string) bool {
	for _, row := range rooms {
		if within(imported, strings.Fields(row.opens)) {
			return true
		}
	}
	return false
}

func within(imported string, libraries []string) bool {
	return slices.ContainsFunc(libraries, func(library string) bool {
		return imported == library || strings.HasPrefix(imported, library+"/")
	})
}

func TestTheTableHasOneDoorEachAndNothingPointsUp(t *testing.T) {
	above := map[string]bool{}
	doors := map[string]string{}
	for _, row := range rooms {
		for _, imported := range strings.Fields(row.rooms) {
			if !above[imported] {
				t.Errorf("%s imports %s, which doesn't stand above it", row.name, imported)
			}
		}
		above[row.name] = true
		for _, library := range strings.Fields(row.opens) {
			if other := doors[library]; other != "" {
				t.Errorf("%s and %s both open %s", other, row.name, library)
			}
			doors[library] = row.name
		}
	}
}

// version is the last part of a module's path that isn't its name.
var version = regexp.MustCompile(`^v[0-9]+$`)

// TestLibrariesStayBehindTheirDoors holds that no exported function or field has
// the type of a library. strict hands on the nodes of YAML, which config and adopt walk. The
// demo and the command export nothing that others use.
func TestLibrariesStayBehindTheirDoors(t *testing.T) {
	for _, s := range sources(t) {
		if s.room == "strict" || strings.HasPrefix(s.room, "cmd/") {
			continue
		}
		foreign := map[string]string{}
		for _, spec := range s.file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if _, ours := own(imported); !ours && !standard(imported) {
				foreign[nameOf(spec, imported)] = imported
			}
		}
		for _, node := range exported(s.file) {
			ast.Inspect(node, func(n ast.Node) bool {
				selector, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if ident, ok := selector.X.(*ast.Ident); ok && foreign[ident.Name] != "" {
					t.Errorf("%s: a type of %s shows", s.set.Position(n.Pos()), foreign[ident.Name])
				}
				return true
			})
		}
	}
}

func nameOf(spec *ast.ImportSpec, imported string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	if version.MatchString(path.Base(imported)) {
		imported = path.Dir(imported)
	}
	return strings.TrimPrefix(path.Base(imported), "go-")
}

// exported returns the signatures and exported fields that a file shows.
func exported(file *ast.File) []ast.Node {
	var nodes []ast.Node
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
				nodes = append(nodes, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
					nodes = append(nodes, shown(s.Type)...)
				}
			}
		}
	}
	return nodes
}

func receiver(d *ast.FuncDecl) *ast.Ident {
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.Ident:
			return e
		default:
			return ast.NewIdent("_")
		}
	}
}

// shown returns what of a type is seen from outside: a struct's exported fields,
// or the whole of another type.
func shown(expr ast.Expr) []ast.Node {
	structure, ok := expr.(*ast.StructType)
	if !ok {
		return []ast.Node{expr}
	}
	var fields []ast.Node
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
			fields = append(fields, field.Type)
		}
	}
	return fields
}

// The most that a room and a type may have: more has no walls inside.
const (
	mostLines   = 4000
	mostMethods = 25
)

// TestRoomsAndTypesStaySmall holds that of what is shipped.
func TestRoomsAndTypesStaySmall(t *testing.T) {
	lines := map[string]int{}
	methods := map[string]map[string]bool{} // names by room and type: systems have their own of some
	for _, s := range sources(t) {
		if s.room == "parts" || strings.HasPrefix(s.room, "parts/") {
			continue
		}
		lines[s.room] += s.set.Position(s.file.FileEnd).Line - 1
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv == nil {
				continue
			}
			of := s.room + "." + receiver(function).Name
			if methods[of] == nil {
				methods[of] = map[string]bool{}
			}
			methods[of][function.Name.Name] = true
		}
	}
	for room, n := range lines {
		if n > mostLines {
			t.Errorf("%s has %d lines, and may have %d: find the wall in it", room, n, mostLines)
		}
	}
	for of, names := range methods {
		if len(names) > mostMethods {
			t.Errorf("%s has %d methods, and may have %d: it is several things", of, len(names), mostMethods)
		}
	}
}
