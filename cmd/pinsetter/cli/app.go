// Package cli has what the commands share: the flags of all, how objects are loaded and
// the parts of the program wired, how results are printed, and the exit status.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/login/cloud"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source/remote"
	"github.com/pinsetter/pinsetter/store"
	"github.com/pinsetter/pinsetter/verify"
)

// App is the state that all commands share: common flags and the streams.
type App struct {
	Version string // of the program
	Streams

	Filenames   []string
	Kustomize   []string
	signers     Signers // of artifacts that -f names
	Secrets     []string
	tokenFiles  []string
	Namespace   string
	allowEmpty  bool
	Output      string
	state       string
	Concurrency int
	timeout     time.Duration
	logLevel    string
	LogFormat   string
	noColor     bool

	noCrossNamespaceRefs, refusePrivate bool

	plainHTTP []string
	remote    *remote.Reader // of the sources in Git and registries that -f names

	Notifications config.Notifications // how to treat Receivers, Providers and Alerts
	Artifacts     bool                 // what Flux pulls from registries is read too
	Lint          bool                 // a source is judged for itself: another object of Flux, or a marker, fills it

	Log      *slog.Logger
	level    slog.Level
	Progress *progress
	said     map[string]bool    // lines already written to standard error
	tokens   cloud.TokenFiles   // what tokenFiles names
	Ledger   *store.Ledger      // nil: not opened yet
	clouds   *cloud.Logins      // nil: not made yet
	trusted  *verify.Roots      // nil: not made yet
	keep     string             // directory for what was fetched; "": none
	release  context.CancelFunc // cancels the timeout; nil without one
}

// New returns an App without flags, which Prepare makes ready.
func New(s Streams, version string) *App {
	return &App{Streams: s, Version: version, Progress: newProgress(s.Err)}
}

// Close releases everything that Prepare opened.
func (a *App) Close() {
	if a.Progress != nil {
		a.Progress.Done()
	}
	if a.Ledger != nil {
		_ = a.Ledger.Close() // everything is committed
	}
	if a.release != nil {
		a.release()
	}
}

// AddFlags adds the flags that all commands have.
func (a *App) AddFlags(f *pflag.FlagSet) {
	f.StringArrayVarP(&a.Filenames, "filename", "f", nil, "where the objects are: a file, a directory, - for standard input, git+https://HOST/REPO//FOLDER?ref=BRANCH, or oci://HOST/REPO:TAG//FOLDER (repeatable; default: the current directory)")
	f.StringArrayVarP(&a.Kustomize, "kustomize", "k", nil, "build this kustomization and read its result (repeatable)")
	a.signers.prefix = "source-"
	f.StringArrayVar(&a.signers.Keys, "source-key", nil, "a file with a public key of cosign: every oci:// of -f must be signed by one of them (repeatable)")
	f.StringVar(&a.signers.Identity, "source-identity", "", "who must have signed every oci:// of -f without a key, by the subject of the certificate, as a regular expression that matches the whole")
	f.StringVar(&a.signers.Issuer, "source-issuer", "", "who must vouch for --source-identity, as a regular expression that matches the whole")
	f.StringVar(&a.signers.Root, "source-trusted-root", "", "a file with the trusted root for --source-identity (default: that of Sigstore's public good instance)")
	f.StringArrayVar(&a.Secrets, "secrets", nil, "folder of mounted Secrets: DIR/<namespace>/<name>/<key>, or DIR/<name>/<key> (repeatable)")
	f.StringArrayVar(&a.tokenFiles, "registry-token-file", nil, "file with a token of OpenID Connect for a registry, such as the projected one of a ServiceAccount: HOST=FILE, or USER@HOST=FILE to send it as a password (repeatable)")
	f.StringVarP(&a.Namespace, "namespace", "n", "default", "namespace of objects that name none, and the scope of NAME arguments")
	f.BoolVar(&a.allowEmpty, "allow-empty", false, "what -f and -k name may hold no object")
	f.StringVarP(&a.Output, "output", "o", "table", "table, json or yaml")
	f.StringVar(&a.state, "state", "", "where what was seen and done is kept: sqlite:PATH, postgres://..., or none (default: sqlite in the user's state directory)")
	f.IntVar(&a.Concurrency, "concurrency", 16, "registry requests in flight per host")
	f.DurationVar(&a.timeout, "timeout", 0, "bound on the whole command, such as 5m (default: none)")
	f.StringVar(&a.logLevel, "log-level", "", "debug, info, warn or error: of everything on standard error (default: warn, of serve info)")
	f.StringVar(&a.LogFormat, "log-format", "text", "text or json: of everything on standard error")
	f.BoolVar(&a.noCrossNamespaceRefs, "no-cross-namespace-refs", false, "objects refer to objects of their own namespace alone")
	f.StringArrayVar(&a.plainHTTP, "plain-http", nil, "a `HOST[:PORT]` of a registry without TLS (repeatable); loopback and private addresses need none")
	f.BoolVar(&a.refusePrivate, "refuse-private", false, "connect to no private or loopback address")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also: NO_COLOR in the environment)")
}

// namespace is the grammar of a namespace's name (RFC 1123, section 2.1).
var namespace = pinsetter.Pattern(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Prepare runs before every command. It sets flags from the environment, checks
// the common ones, and sets up logging.
func (a *App) Prepare(cmd *cobra.Command) error {
	err := flagsFromEnvironment(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"table", "json", "yaml"}, a.Output) {
		return Usage("--output %q: write table, json or yaml", a.Output)
	}
	if !namespace().MatchString(a.Namespace) {
		return Usage("--namespace %q is no name of a namespace: write letters a to z, digits and -", a.Namespace)
	}
	if a.tokens, err = cloud.ParseTokenFiles(a.tokenFiles); err != nil {
		return Usage("--registry-token-file: %v", err)
	}
	if given := a.signers.given(); given != "" && len(a.Filenames) > 0 && !slices.ContainsFunc(a.Filenames, remote.IsArtifact) {
		return Usage("%s is for artifacts, and no -f is one: only oci:// is verified", given)
	}
	if a.Concurrency < 1 {
		return Usage("--concurrency %d: at least one request must be allowed", a.Concurrency)
	}
	if a.timeout < 0 {
		return Usage("--timeout %s: a bound lies in the future; leave it out for none", a.timeout)
	}
	if a.logLevel == "" {
		a.logLevel = "warn"
		if cmd.Name() == "serve" {
			a.logLevel = "info"
		}
	}
	if err := a.setLog(); err != nil {
		return err
	}
	a.Progress = newProgress(a.Err)
	a.remote = &remote.Reader{
		Git: gitOptions(a), Roots: rootsOf(a), Signers: a.signers.Rules, Progress: a.Progress.Show,
		Registry: func() *registry.Registry {
			return a.BotOptions(registry.Options{Concurrency: a.Concurrency, UserAgent: a.UserAgent()}).Registry
		},
	}
	if a.timeout > 0 {
		ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.timeout, fmt.Errorf("--timeout %s is over", a.timeout))
		a.release = cancel
		cmd.SetContext(ctx)
	}
	return nil
}

// CommandLineOnly annotates flags that the environment doesn't set.
const CommandLineOnly = "command-line-only"

// flagsFromEnvironment sets every flag that the command line omits and that the
// environment has as PINSETTER_<FLAG>, but those that are commandLineOnly. Lists are separated by commas.
func flagsFromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Annotations[CommandLineOnly] != nil {
			return
		}
		name := "PINSETTER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if !ok || value == "" {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := flags.Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("%s=%q in the environment: %w", name, value, err))
			}
		}
	})
	if err := errors.Join(errs...); err != nil {
		return &ExitError{StatusUsage, err}
	}
	return nil
}

func (a *App) setLog() error {
	if err := a.level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return Usage("--log-level %q: write debug, info, warn or error", a.logLevel)
	}
	options := &slog.HandlerOptions{Level: a.level}
	switch a.LogFormat {
	case "text":
		a.Log = slog.New(slog.NewTextHandler(a.Err, options))
	case "json":
		a.Log = slog.New(slog.NewJSONHandler(a.Err, options))
	default:
		return Usage("--log-format %q: write text or json", a.LogFormat)
	}
	return nil
}

// DSN returns the address of the state.
func (a *App) DSN() (store.DSN, error) {
	if a.state != "" {
		dsn, err := store.ParseDSN(a.state)
		if err != nil {
			return store.DSN{}, Usage("--state: %w", err)
		}
		return dsn, nil
	}
	home, _ := os.UserHomeDir() // DefaultDSN reports a missing one
	return store.DefaultDSN(os.Getenv, home)
}

// OpenLedger opens the ledger. If it can't be opened, OpenLedger warns, and the
// command continues without it: decisions come from objects, registries and
// branches. The error is for a wrong command line.
func (a *App) OpenLedger(ctx context.Context, o store.Options) error {
	dsn, err := a.DSN()
	if end := (*ExitError)(nil); errors.As(err, &end) {
		return err
	}
	if err == nil {
		a.Ledger, err = store.Open(ctx, dsn, o)
	}
	if err == nil && !o.ReadOnly && a.Ledger.Remembers() {
		a.keep = cmp.Or(dsn.Folder(), userCache())
	}
	if err != nil {
		a.Ledger = &store.Ledger{} // which remembers nothing
		a.Say("warning", "nothing is remembered of this run: "+err.Error())
		return nil
	}
	if reason := a.Ledger.Ephemeral(); reason != "" {
		a.Say("warning", reason)
	}
	return nil
}

// userCache returns the user's folder for what can be fetched again, or "" where the
// system names none.
func userCache() string {
	folder, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(folder, "pinsetter")
}

// Painter returns the colours for w: none if w is no terminal or the user wants
// none (https://no-color.org).
func (a *App) Painter(w io.Writer) Painter {
	return Painter{on: !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && IsTerminal(w)}
}

// Print writes v to standard output as JSON or YAML, or calls table for the
// format for people.
func (a *App) Print(v any, table func(io.Writer, Painter) error) error {
	switch a.Output {
	case "json":
		e := json.NewEncoder(a.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		out, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = a.Out.Write(out)
		return err
	default:
		return table(a.Out, a.Painter(a.Out))
	}
}
