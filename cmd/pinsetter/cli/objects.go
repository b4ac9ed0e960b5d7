package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/charts"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/login/cloud"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/source/remote"
	"github.com/pinsetter/pinsetter/strict"
	"github.com/pinsetter/pinsetter/verify"
)

// Load reads the objects that -f and -k name. The set's findings report wrong
// objects and unreadable sources; they don't stop the others. The error is for
// a command line that leads to no object at all.
func (a *App) Load(ctx context.Context) (*fleet.Set, error) {
	return a.LoadFrom(a.Read(ctx))
}

// LoadFrom is Load for sources that were read already.
func (a *App) LoadFrom(from Sources) (*fleet.Set, error) {
	options := a.Loading()
	options.Unread = from.Unread
	if !a.allowEmpty {
		options.Filled = from.Named
	}
	set := config.Load(from.Files, options)
	if len(set.Repositories)+len(set.Policies)+len(set.Automations)+len(set.Gates) > 0 || slices.ContainsFunc(set.Findings, isOfObject) {
		return set, nil
	}
	if len(set.Artifacts) > 0 && !a.Lint {
		return set, nil
	}
	if a.Lint && !slices.ContainsFunc(set.Findings, isOfSource) {
		a.Say("note", fmt.Sprintf("there is no ImageRepository, ImagePolicy or ImageUpdateAutomation in %s", a.Sources()))
		return set, nil
	}
	var failed error
	for _, u := range from.Unread {
		failed = errors.Join(failed, errors.New(u.String()))
	}
	if failed == nil {
		failed = fmt.Errorf("no ImageRepository, ImagePolicy or ImageUpdateAutomation found in %s: say with -f where they are, let pinsetter init propose them, or write them (%s)", a.Sources(), quickStart)
	}
	return nil, &ExitError{StatusUsage, failed}
}

// quickStart shows the objects that it takes.
const quickStart = "an ImageRepository names an image, an ImagePolicy the versions that you want, an ImageUpdateAutomation with its GitRepository where they are written: https://github.com/pinsetter/pinsetter#quick-start"

// isOfSource reports whether a finding is about a source rather than about an
// object.
func isOfSource(f pinsetter.Finding) bool {
	return f.Code == config.CodeUnread || f.Code == config.CodeEmptySource
}

func isOfObject(f pinsetter.Finding) bool { return !isOfSource(f) }

// Loading returns the options for loading objects.
func (a *App) Loading() config.Options {
	return config.Options{
		Namespace:     a.Namespace,
		SecretDirs:    a.Secrets,
		Notifications: a.Notifications,
		OtherFlux:     a.Lint || a.Artifacts,
		Artifacts:     a.Artifacts,
		FluxNeeds:     a.Lint,

		NoCrossNamespaceRefs: a.noCrossNamespaceRefs,
	}
}

// Sources names the sources of objects, for messages.
func (a *App) Sources() string {
	if len(a.Filenames)+len(a.Kustomize) == 0 {
		return "the current directory"
	}
	return remote.WithoutUser(strings.Join(slices.Concat(a.Filenames, a.Kustomize), ", "))
}

// Sources is the content of all sources.
type Sources struct {
	Files  []source.File
	Unread []source.Unread // sources and entries that couldn't be read
	Named  []string        // sources that must each hold an object
}

// add adds the content of a source. The source must hold an object if all of it
// could be read.
func (s *Sources) add(name string, files []source.File, unread []source.Unread) {
	s.Files = append(s.Files, files...)
	s.Unread = append(s.Unread, unread...)
	if len(unread) == 0 {
		s.Named = append(s.Named, name)
	}
}

// Read reads all sources.
func (a *App) Read(ctx context.Context) Sources {
	var all Sources
	for _, name := range a.Filenames {
		files, unread := a.readSource(ctx, name)
		all.add(remote.WithoutUser(name), files, unread)
	}
	for _, dir := range a.Kustomize {
		files, err := config.Kustomize(dir)
		all.add("kustomize:"+dir, files, unreadSource("kustomize:"+dir, err))
	}
	if len(a.Filenames)+len(a.Kustomize) == 0 { // the default, which nobody named
		all.Files, all.Unread = source.ReadPath(".", a.MayHold())
		if a.Lint {
			all.Named = []string{"."}
		}
	}
	return all
}

// readSource reads the source of one -f.
func (a *App) readSource(ctx context.Context, name string) ([]source.File, []source.Unread) {
	switch {
	case name == "-":
		file, err := source.ReadFrom("stdin", a.In)
		return []source.File{file}, unreadSource("-", err)
	case remote.IsGit(name), remote.IsArtifact(name):
		return a.remote.Read(ctx, name, a.MayHold())
	case strings.Contains(name, "://"):
		return nil, unreadSource(remote.WithoutUser(name), fmt.Errorf("a URL is read as a Git repository or an artifact: write git+https://HOST/REPO//FOLDER or oci://HOST/REPO:TAG//FOLDER"))
	}
	return source.ReadPath(name, a.MayHold())
}

// MayHold returns the screen of files.
func (a *App) MayHold() func([]byte) bool {
	screen := claim.MayHold
	if a.Lint || a.Artifacts {
		screen = claim.MayConcern
	}
	return func(data []byte) bool { return screen(data) || config.Renames(data) }
}

// unreadSource returns the source as unread because of err, and nothing if err
// is nil.
func unreadSource(name string, err error) []source.Unread {
	if err == nil {
		return nil
	}
	return []source.Unread{{Path: name, Err: err}}
}

// Bot returns a bot for set.
func (a *App) Bot(set *fleet.Set) *bot.Bot {
	return bot.New(set, a.BotOptions(registry.Options{Concurrency: a.Concurrency, UserAgent: a.UserAgent()}))
}

// BotOptions returns the options for all bots of the program.
func (a *App) BotOptions(o registry.Options) bot.Options {
	o.Dialer, o.PlainHTTP = a.Dialer(), a.plainHTTP
	logins := a.CloudLogins()
	o.Clouds, o.Tokens = logins.Registry, a.tokens.Hosts()
	o.LoggedIn = func(host, provider, credential string) {
		a.Log.Info("logged in", "host", host, "provider", provider, "as", credential)
	}
	remotes := fleetOptions(a)
	remotes.Clouds = logins.Git
	return bot.Options{
		Registry: registry.New(o),
		Charts:   charts.New(charts.Options{Dialer: a.Dialer(), UserAgent: a.UserAgent()}),
		Git:      remotes,
		Forge:    forge.Options{Environment: a.Environment(), Dialer: a.Dialer()},
		Roots:    rootsOf(a),
		Ledger:   a.Ledger,
		Log:      a.Log,
		Progress: a.Progress.Show,
		Version:  a.Version,
	}
}

// CloudLogins returns the program's logins to clouds.
func (a *App) CloudLogins() *cloud.Logins {
	if a.clouds == nil {
		a.clouds = cloud.New(cloud.Options{Environment: a.Environment(), Dialer: a.Dialer(), UserAgent: a.UserAgent(), Tokens: a.tokens})
	}
	return a.clouds
}

// fleetOptions returns the options for the repositories that are written to. A
// command that writes the state also caches what it fetched, beside the state,
// so that the next run fetches only what is new.
func fleetOptions(a *App) gitops.Options {
	o := gitOptions(a)
	if a.keep != "" {
		o.Keep = filepath.Join(a.keep, "git")
	}
	return o
}

func gitOptions(a *App) gitops.Options {
	return gitops.Options{Environment: a.Environment(), Dialer: a.Dialer()}
}

// rootsOf returns the trusted roots of keyless signatures, which come from the network
// where that can be reached: once for the whole program.
func rootsOf(a *App) *verify.Roots {
	if a.trusted == nil {
		a.trusted = newRoots(a)
	}
	return a.trusted
}

func newRoots(a *App) *verify.Roots {
	connections, err := a.Environment().Transport(a.Dialer(), pinsetter.TLS{}, nil)
	if err != nil {
		a.Log.Warn("Sigstore's trusted root isn't refreshed", "error", err)
		return &verify.Roots{}
	}
	return &verify.Roots{Client: &http.Client{Transport: connections}}
}

// Dialer returns the dialer of all clients.
func (a *App) Dialer() login.Dialer { return login.Dialer{RefusePrivate: a.refusePrivate} }

// Environment returns the user's environment for credentials.
func (a *App) Environment() login.Environment {
	home, _ := os.UserHomeDir() // without a home directory there is no ~/.netrc
	return login.Environment{Getenv: os.Getenv, Home: home}
}

// kind is a kind of object that commands accept by name.
type kind[T any] struct {
	Name   string
	of     func(*fleet.Set) []T
	nameOf func(T) pinsetter.Name
}

// The kinds that commands take by name.
var (
	Repositories = kind[*fleet.Repository]{"ImageRepository",
		func(s *fleet.Set) []*fleet.Repository { return s.Repositories },
		func(r *fleet.Repository) pinsetter.Name { return r.Name }}
	Policies = kind[*fleet.Policy]{"ImagePolicy",
		func(s *fleet.Set) []*fleet.Policy { return s.Policies },
		func(p *fleet.Policy) pinsetter.Name { return p.Name }}
	Automations = kind[*fleet.Automation]{"ImageUpdateAutomation",
		func(s *fleet.Set) []*fleet.Automation { return s.Automations },
		func(a *fleet.Automation) pinsetter.Name { return a.Name }}
	Artifacts = kind[*fleet.OCISource]{"OCIRepository",
		func(s *fleet.Set) []*fleet.OCISource { return s.Artifacts },
		func(a *fleet.OCISource) pinsetter.Name { return a.Name }}
)

// LoadedObjects is the input of a command.
type LoadedObjects[T any] struct {
	Bot    *bot.Bot
	Set    *fleet.Set
	Picked []T   // the objects that the arguments name
	Failed error // errors about other objects, which affect the exit status
}

// LoadNamed loads the objects and picks those of kind k that args name. Needed
// returns what the command needs of the set for them; nil: everything.
func LoadNamed[T any](cmd *cobra.Command, a *App, k kind[T], args []string, needed func(*fleet.Set, []T) Needs) (*LoadedObjects[T], error) {
	set, err := a.Load(cmd.Context())
	if err != nil {
		return nil, err
	}
	picked, err := k.pick(set, args, a.Namespace, cmd.Flags().Changed("namespace"))
	if err != nil {
		return nil, err
	}
	findings := set.Findings
	if needed != nil {
		findings = needed(set, picked).Judge(findings)
	}
	failed := a.Report(findings)
	if len(picked) == 0 {
		a.Say("warning", fmt.Sprintf("there is no %s in %s, so there is nothing to do: say with -f where they are", k.Name, a.Sources()))
	}
	return &LoadedObjects[T]{a.Bot(set), set, picked, failed}, nil
}

// pick returns the objects that args name, without duplicates, in the order of
// the set, or all without args. An argument is NAMESPACE/NAME. A plain NAME is
// in the namespace if the user gave one; else only one object may have it.
func (k kind[T]) pick(set *fleet.Set, args []string, namespace string, given bool) ([]T, error) {
	all := k.of(set)
	if len(args) == 0 {
		return all, nil
	}
	chosen := map[pinsetter.Name]bool{}
	for _, arg := range args {
		wanted := pinsetter.Name{Namespace: namespace, Name: arg}
		before, after, qualified := strings.Cut(arg, "/")
		if qualified {
			wanted = pinsetter.Name{Namespace: before, Name: after}
		}
		var names, known []string
		var match pinsetter.Name
		for _, object := range all {
			name := k.nameOf(object)
			known = append(known, name.String())
			if name == wanted || name.Name == wanted.Name && !qualified && !given {
				match = name
				names = append(names, name.String())
			}
		}
		switch len(names) {
		case 0:
			return nil, Usage("no %s is named %q%s", k.Name, arg, strict.DidYouMean(arg, known))
		case 1:
			chosen[match] = true
		default:
			return nil, Usage("%d objects of kind %s are named %q: write one of %s", len(names), k.Name, arg, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(object T) bool { return !chosen[k.nameOf(object)] }), nil
}

// Report writes findings about objects to standard error. If any is an error,
// it returns an error without a text.
func (a *App) Report(findings []pinsetter.Finding) error {
	var failed error
	for _, f := range OldVersionsAsOne(findings) {
		a.Say(string(f.Severity), f.String())
		if f.Severity == pinsetter.Error {
			failed = &ExitError{Status: StatusFailed}
		}
	}
	return failed
}

// OldVersionsAsOne returns findings with one in place of all about API versions that
// Flux no longer serves: each of many objects may have one.
func OldVersionsAsOne(findings []pinsetter.Finding) []pinsetter.Finding {
	isOld := func(f pinsetter.Finding) bool { return f.Code == config.CodeOldVersion }
	first := slices.IndexFunc(findings, isOld)
	if first < 0 {
		return findings
	}
	others := slices.DeleteFunc(slices.Clone(findings), isOld)
	one := findings[first]
	if n := len(findings) - len(others); n > 1 {
		one.Message += fmt.Sprintf("; %s of such versions: pinsetter lint names each", pinsetter.Count(n-1, "other object"))
	}
	return slices.Insert(others, first, one)
}

// Warn writes findings about marked files to standard error. They are no
// failures, since other markers were processed.
func (a *App) Warn(findings []pinsetter.Finding) {
	for _, f := range findings {
		a.Say("warning", f.String())
	}
}

// SayHeld writes holds to standard error.
func (a *App) SayHeld(held []pinsetter.Hold) {
	for _, h := range held {
		a.Say("held", DescribeHold(h))
	}
}

// Say writes a line to standard error, but each only once: a finding about an
// object recurs wherever the object is used. With --log-format json it is a record of
// the log.
func (a *App) Say(what, text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	line := what + ": " + Printable(text)
	if a.said[line] || a.level > loudness(what) {
		return
	}
	if a.said == nil {
		a.said = map[string]bool{}
	}
	a.said[line] = true
	if a.Progress != nil {
		a.Progress.Done()
	}
	if a.LogFormat == "json" {
		record := slog.NewRecord(time.Now(), severity(what), text, 0)
		record.Add("kind", what)
		_ = slog.NewJSONHandler(a.Err, nil).Handle(context.Background(), record) // as a line that can't be written
		return
	}
	fmt.Fprintln(a.Err, line)
}

// severity is the level of what is said.
func severity(what string) slog.Level {
	switch what {
	case "error":
		return slog.LevelError
	case "warning", "held":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// loudness is the highest --log-level at which something is said. Notes are said by
// default, although they are no warnings.
func loudness(what string) slog.Level { return max(severity(what), slog.LevelWarn) }

// Finish returns the command's end for its errors: status 1, or nil.
func Finish(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return &ExitError{StatusFailed, err}
	}
	return nil
}

// UserAgent is the program's name in requests.
func (a *App) UserAgent() string { return "pinsetter/" + a.Version }

// DescribeHold says in a line what is held, and why.
func DescribeHold(h pinsetter.Hold) string {
	text := fmt.Sprintf("%s:%d: %s stays at %s", h.Path, h.Line, h.Policy, quoteEmpty(h.Current))
	if h.Candidate != "" {
		text += ", not " + h.Candidate
	}
	text += ": " + h.Reason
	if !h.Until.IsZero() {
		text += " (until " + h.Until.Format("2006-01-02 15:04 MST") + ")"
	}
	return text
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}
