package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/registry"
)

// load reads the objects that -f and -k name. What is wrong with single ones is
// in the set's findings; a source that can't be read is in the second result,
// and the others are loaded. The error is for a command line that leads to no
// object at all.
func (a *app) load(ctx context.Context) (set *config.Set, failed, err error) {
	files, failed := a.read(ctx)
	set = config.Load(files, config.Options{
		Namespace:       a.namespace,
		SecretDirs:      a.secrets,
		CheckPolicy:     policy.Check,
		CheckAutomation: message.Check,
	})
	if len(set.Repositories)+len(set.Policies)+len(set.Automations)+len(set.Findings) > 0 {
		return set, failed, nil
	}
	if failed == nil {
		failed = fmt.Errorf("no ImageRepository, ImagePolicy or ImageUpdateAutomation found in %s: say with -f where they are", a.sources())
	}
	return nil, nil, &ended{statusUsage, failed}
}

// sources says where objects are read from, for messages.
func (a *app) sources() string {
	if len(a.filenames)+len(a.kustomize) == 0 {
		return "the current directory"
	}
	return strings.Join(slices.Concat(a.filenames, a.kustomize), ", ")
}

func (a *app) read(ctx context.Context) ([]config.File, error) {
	var files []config.File
	var errs []error
	add := func(more []config.File, err error) {
		files = append(files, more...)
		errs = append(errs, err)
	}
	filenames := a.filenames
	if len(filenames)+len(a.kustomize) == 0 {
		filenames = []string{"."}
	}
	for _, name := range filenames {
		switch {
		case name == "-":
			file, err := config.ReadFrom("stdin", a.in)
			add([]config.File{file}, err)
		case strings.HasPrefix(name, "git+"):
			add(a.readGit(ctx, name))
		default:
			add(config.ReadPath(name))
		}
	}
	for _, dir := range a.kustomize {
		add(config.Kustomize(dir))
	}
	return files, errors.Join(errs...)
}

// bot returns a bot for set.
func (a *app) bot(set *config.Set) *bot.Bot {
	return bot.New(set, bot.Options{
		Registry: registry.New(registry.Options{Concurrency: a.concurrency, UserAgent: userAgent()}),
		Git:      a.gitOptions(),
		Log:      a.log,
		Progress: a.progress.show,
	})
}

func (a *app) gitOptions() gitops.Options {
	home, _ := os.UserHomeDir() // without one there is no ~/.netrc to read
	return gitops.Options{Environment: login.Environment{Getenv: os.Getenv, Home: home}}
}

// named returns the objects that args name, or all without args. An argument is
// NAMESPACE/NAME, or NAME where that is clear: in the namespace of -n if given,
// else where only one object has it.
func named[T any](cmd *cobra.Command, a *app, kind string, all []T, nameOf func(T) pinsetter.Name, args []string) ([]T, error) {
	if len(args) == 0 {
		return all, nil
	}
	inScope := cmd.Flags().Changed("namespace")
	var picked []T
	for _, arg := range args {
		namespace, name, qualified := strings.Cut(arg, "/")
		if !qualified {
			namespace, name = a.namespace, arg
		}
		matches := slices.DeleteFunc(slices.Clone(all), func(t T) bool {
			n := nameOf(t)
			return n.Name != name || n.Namespace != namespace && (qualified || inScope)
		})
		var known []string
		for _, t := range all {
			known = append(known, nameOf(t).String())
		}
		switch len(matches) {
		case 0:
			return nil, usage("no %s is named %q%s", kind, arg, bot.DidYouMean(arg, known))
		case 1:
			picked = append(picked, matches[0])
		default:
			var where []string
			for _, t := range matches {
				where = append(where, nameOf(t).String())
			}
			return nil, usage("%d objects of kind %s are named %q: write one of %s", len(matches), kind, arg, strings.Join(where, ", "))
		}
	}
	return picked, nil
}

// report writes what is wrong with objects to standard error, and returns an
// error without text where any of it is an error.
func (a *app) report(findings []pinsetter.Finding) error {
	var failed error
	for _, f := range findings {
		a.say(string(f.Severity), f.String())
		if f.Severity == pinsetter.Error {
			failed = &ended{status: statusFailed}
		}
	}
	return failed
}

// warn writes findings about marked files to standard error; none of them is a
// failure, since the other markers were seen to.
func (a *app) warn(findings []pinsetter.Finding) {
	for _, f := range findings {
		a.say("warning", f.String())
	}
}

// sayHeld writes what is held to standard error.
func (a *app) sayHeld(held []pinsetter.Hold) {
	for _, h := range held {
		a.say("held", describeHold(h))
	}
}

// say writes one line to standard error, once: what is wrong with an object
// comes up again wherever the object is used.
func (a *app) say(what, text string) {
	line := what + ": " + printable(strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "))
	if a.said[line] {
		return
	}
	if a.said == nil {
		a.said = map[string]bool{}
	}
	a.said[line] = true
	fmt.Fprintln(a.err, line)
}

// finish turns what failed into the command's end: status 1, or nil.
func finish(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return &ended{statusFailed, err}
	}
	return nil
}

// userAgent is how the program names itself to servers.
func userAgent() string { return "pinsetter/" + version() }
