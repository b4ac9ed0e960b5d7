package main

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

// load reads the objects that -f and -k name. The set's findings report wrong
// objects and unreadable sources; they don't stop the others. The error is for
// a command line that leads to no object at all.
func (a *app) load(ctx context.Context) (*fleet.Set, error) {
	return a.loadFrom(a.read(ctx))
}

// loadFrom is load for sources that were read already.
func (a *app) loadFrom(from sources) (*fleet.Set, error) {
	options := a.loading()
	options.Unread = from.unread
	if !a.allowEmpty {
		options.Filled = from.named
	}
	set := config.Load(from.files, options)
	if len(set.Repositories)+len(set.Policies)+len(set.Automations)+len(set.Gates) > 0 || slices.ContainsFunc(set.Findings, isOfObject) {
		return set, nil
	}
	if len(set.Artifacts) > 0 && !a.lint {
		return set, nil
	}
	if a.lint && !slices.ContainsFunc(set.Findings, isOfSource) {
		a.say("note", fmt.Sprintf("there is no ImageRepository, ImagePolicy or ImageUpdateAutomation in %s", a.sources()))
		return set, nil
	}
	var failed error
	for _, u := range from.unread {
		failed = errors.Join(failed, errors.New(u.String()))
	}
	if failed == nil {
		failed = fmt.Errorf("no ImageRepository, ImagePolicy or ImageUpdateAutomation found in %s: say with -f where they are, let pinsetter init propose them, or write them (%s)", a.sources(), quickStart)
	}
	return nil, &exitError{statusUsage, failed}
}

// quickStart shows the objects that it takes.
const quickStart = "an ImageRepository names an image, an ImagePolicy the versions that you want, an ImageUpdateAutomation with its GitRepository where they are written: https://github.com/pinsetter/pinsetter#quick-start"

// isOfSource reports whether a finding is about a source rather than about an
// object.
func isOfSource(f pinsetter.Finding) bool {
	return f.Code == config.CodeUnread || f.Code == config.CodeEmptySource
}

func isOfObject(f pinsetter.Finding) bool { return !isOfSource(f) }

// loading returns the options for loading objects.
func (a *app) loading() config.Options {
	return config.Options{
		Namespace:     a.namespace,
		SecretDirs:    a.secrets,
		Notifications: a.notifications,
		OtherFlux:     a.lint || a.artifacts,
		Artifacts:     a.artifacts,
		FluxNeeds:     a.lint,

		NoCrossNamespaceRefs: a.noCrossNamespaceRefs,
	}
}

// sources names the sources of objects, for messages.
func (a *app) sources() string {
	if len(a.filenames)+len(a.kustomize) == 0 {
		return "the current directory"
	}
	return remote.WithoutUser(strings.Join(slices.Concat(a.filenames, a.kustomize), ", "))
}

// sources is the content of all sources.
type sources struct {
	files  []source.File
	unread []source.Unread // sources and entries that couldn't be read
	named  []string        // sources that must each hold an object
}

// add adds the content of a source. The source must hold an object if all of it
// could be read.
func (s *sources) add(name string, files []source.File, unread []source.Unread) {
	s.files = append(s.files, files...)
	s.unread = append(s.unread, unread...)
	if len(unread) == 0 {
		s.named = append(s.named, name)
	}
}

// read reads all sources.
func (a *app) read(ctx context.Context) sources {
	var all sources
	for _, name := range a.filenames {
		files, unread := a.readSource(ctx, name)
		all.add(remote.WithoutUser(name), files, unread)
	}
	for _, dir := range a.kustomize {
		files, err := config.Kustomize(dir)
		all.add("kustomize:"+dir, files, unreadSource("kustomize:"+dir, err))
	}
	if len(a.filenames)+len(a.kustomize) == 0 { // the default, which nobody named
		all.files, all.unread = source.ReadPath(".", a.mayHold())
		if a.lint {
			all.named = []string{"."}
		}
	}
	return all
}

// readSource reads the source of one -f.
func (a *app) readSource(ctx context.Context, name string) ([]source.File, []source.Unread) {
	switch {
	case name == "-":
		file, err := source.ReadFrom("stdin", a.in)
		return []source.File{file}, unreadSource("-", err)
	case remote.IsGit(name), remote.IsArtifact(name):
		return a.remote.Read(ctx, name, a.mayHold())
	case strings.Contains(name, "://"):
		return nil, unreadSource(remote.WithoutUser(name), fmt.Errorf("a URL is read as a Git repository or an artifact: write git+https://HOST/REPO//FOLDER or oci://HOST/REPO:TAG//FOLDER"))
	}
	return source.ReadPath(name, a.mayHold())
}

// mayHold returns the screen of files.
func (a *app) mayHold() func([]byte) bool {
	screen := claim.MayHold
	if a.lint || a.artifacts {
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

// bot returns a bot for set.
func (a *app) bot(set *fleet.Set) *bot.Bot {
	return bot.New(set, a.botOptions(registry.Options{Concurrency: a.concurrency, UserAgent: userAgent()}))
}

// botOptions returns the options for all bots of the program.
func (a *app) botOptions(o registry.Options) bot.Options {
	o.Dialer, o.PlainHTTP = a.dialer(), a.plainHTTP
	logins := a.cloudLogins()
	o.Clouds, o.Tokens = logins.Registry, a.tokens.Hosts()
	o.LoggedIn = func(host, provider, credential string) {
		a.log.Info("logged in", "host", host, "provider", provider, "as", credential)
	}
	remotes := a.fleetOptions()
	remotes.Clouds = logins.Git
	return bot.Options{
		Registry: registry.New(o),
		Charts:   charts.New(charts.Options{Dialer: a.dialer(), UserAgent: userAgent()}),
		Git:      remotes,
		Forge:    forge.Options{Environment: a.environment(), Dialer: a.dialer()},
		Roots:    a.roots(),
		Ledger:   a.ledger,
		Log:      a.log,
		Progress: a.progress.show,
		Version:  version(),
	}
}

// cloudLogins returns the program's logins to clouds.
func (a *app) cloudLogins() *cloud.Logins {
	if a.clouds == nil {
		a.clouds = cloud.New(cloud.Options{Environment: a.environment(), Dialer: a.dialer(), UserAgent: userAgent(), Tokens: a.tokens})
	}
	return a.clouds
}

// fleetOptions returns the options for the repositories that are written to. A
// command that writes the state also caches what it fetched, beside the state,
// so that the next run fetches only what is new.
func (a *app) fleetOptions() gitops.Options {
	o := a.gitOptions()
	if a.keep != "" {
		o.Keep = filepath.Join(a.keep, "git")
	}
	return o
}

func (a *app) gitOptions() gitops.Options {
	return gitops.Options{Environment: a.environment(), Dialer: a.dialer()}
}

// roots returns the trusted roots of keyless signatures, which come from the network
// where that can be reached: once for the whole program.
func (a *app) roots() *verify.Roots {
	if a.trusted == nil {
		a.trusted = a.newRoots()
	}
	return a.trusted
}

func (a *app) newRoots() *verify.Roots {
	connections, err := a.environment().Transport(a.dialer(), pinsetter.TLS{}, nil)
	if err != nil {
		a.log.Warn("Sigstore's trusted root isn't refreshed", "error", err)
		return &verify.Roots{}
	}
	return &verify.Roots{Client: &http.Client{Transport: connections}}
}

// dialer returns the dialer of all clients.
func (a *app) dialer() login.Dialer { return login.Dialer{RefusePrivate: a.refusePrivate} }

// environment returns the user's environment for credentials.
func (a *app) environment() login.Environment {
	home, _ := os.UserHomeDir() // without a home directory there is no ~/.netrc
	return login.Environment{Getenv: os.Getenv, Home: home}
}

// kind is a kind of object that commands accept by name.
type kind[T any] struct {
	name   string
	of     func(*fleet.Set) []T
	nameOf func(T) pinsetter.Name
}

var (
	repositories = kind[*fleet.Repository]{"ImageRepository",
		func(s *fleet.Set) []*fleet.Repository { return s.Repositories },
		func(r *fleet.Repository) pinsetter.Name { return r.Name }}
	policies = kind[*fleet.Policy]{"ImagePolicy",
		func(s *fleet.Set) []*fleet.Policy { return s.Policies },
		func(p *fleet.Policy) pinsetter.Name { return p.Name }}
	automations = kind[*fleet.Automation]{"ImageUpdateAutomation",
		func(s *fleet.Set) []*fleet.Automation { return s.Automations },
		func(a *fleet.Automation) pinsetter.Name { return a.Name }}
	artifacts = kind[*fleet.OCISource]{"OCIRepository",
		func(s *fleet.Set) []*fleet.OCISource { return s.Artifacts },
		func(a *fleet.OCISource) pinsetter.Name { return a.Name }}
)

// loadedObjects is the input of a command.
type loadedObjects[T any] struct {
	bot    *bot.Bot
	set    *fleet.Set
	picked []T   // the objects that the arguments name
	failed error // errors about other objects, which affect the exit status
}

// loadNamed loads the objects and picks those of kind k that args name. Needed
// returns what the command needs of the set for them; nil: everything.
func loadNamed[T any](cmd *cobra.Command, a *app, k kind[T], args []string, needed func(*fleet.Set, []T) needs) (*loadedObjects[T], error) {
	set, err := a.load(cmd.Context())
	if err != nil {
		return nil, err
	}
	picked, err := k.pick(set, args, a.namespace, cmd.Flags().Changed("namespace"))
	if err != nil {
		return nil, err
	}
	findings := set.Findings
	if needed != nil {
		findings = needed(set, picked).judge(findings)
	}
	failed := a.report(findings)
	if len(picked) == 0 {
		a.say("warning", fmt.Sprintf("there is no %s in %s, so there is nothing to do: say with -f where they are", k.name, a.sources()))
	}
	return &loadedObjects[T]{a.bot(set), set, picked, failed}, nil
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
			return nil, usage("no %s is named %q%s", k.name, arg, strict.DidYouMean(arg, known))
		case 1:
			chosen[match] = true
		default:
			return nil, usage("%d objects of kind %s are named %q: write one of %s", len(names), k.name, arg, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(object T) bool { return !chosen[k.nameOf(object)] }), nil
}

// report writes findings about objects to standard error. If any is an error,
// it returns an error without a text.
func (a *app) report(findings []pinsetter.Finding) error {
	var failed error
	for _, f := range oldVersionsAsOne(findings) {
		a.say(string(f.Severity), f.String())
		if f.Severity == pinsetter.Error {
			failed = &exitError{status: statusFailed}
		}
	}
	return failed
}

// oldVersionsAsOne returns findings with one in place of all about API versions that
// Flux no longer serves: each of many objects may have one.
func oldVersionsAsOne(findings []pinsetter.Finding) []pinsetter.Finding {
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

// warn writes findings about marked files to standard error. They are no
// failures, since other markers were processed.
func (a *app) warn(findings []pinsetter.Finding) {
	for _, f := range findings {
		a.say("warning", f.String())
	}
}

// sayHeld writes holds to standard error.
func (a *app) sayHeld(held []pinsetter.Hold) {
	for _, h := range held {
		a.say("held", describeHold(h))
	}
}

// say writes a line to standard error, but each only once: a finding about an
// object recurs wherever the object is used. With --log-format json it is a record of
// the log.
func (a *app) say(what, text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	line := what + ": " + printable(text)
	if a.said[line] || a.level > loudness(what) {
		return
	}
	if a.said == nil {
		a.said = map[string]bool{}
	}
	a.said[line] = true
	if a.progress != nil {
		a.progress.done()
	}
	if a.logFormat == "json" {
		record := slog.NewRecord(time.Now(), severity(what), text, 0)
		record.Add("kind", what)
		_ = slog.NewJSONHandler(a.err, nil).Handle(context.Background(), record) // as a line that can't be written
		return
	}
	fmt.Fprintln(a.err, line)
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

// finish returns the command's end for its errors: status 1, or nil.
func finish(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return &exitError{statusFailed, err}
	}
	return nil
}

// userAgent is the program's name in requests.
func userAgent() string { return "pinsetter/" + version() }
