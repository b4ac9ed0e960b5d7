package main

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

// app is the state that all commands share: common flags and the streams.
type app struct {
	streams

	filenames   []string
	kustomize   []string
	signers     signers // of artifacts that -f names
	secrets     []string
	tokenFiles  []string
	namespace   string
	allowEmpty  bool
	output      string
	state       string
	concurrency int
	timeout     time.Duration
	logLevel    string
	logFormat   string
	noColor     bool

	noCrossNamespaceRefs, refusePrivate bool

	plainHTTP []string
	remote    *remote.Reader // of the sources in Git and registries that -f names

	notifications config.Notifications // how to treat Receivers, Providers and Alerts
	artifacts     bool                 // what Flux pulls from registries is read too
	lint          bool                 // a source is judged for itself: another object of Flux, or a marker, fills it

	log      *slog.Logger
	level    slog.Level
	progress *progress
	said     map[string]bool    // lines already written to standard error
	tokens   cloud.TokenFiles   // what tokenFiles names
	ledger   *store.Ledger      // nil: not opened yet
	clouds   *cloud.Logins      // nil: not made yet
	trusted  *verify.Roots      // nil: not made yet
	keep     string             // directory for what was fetched; "": none
	release  context.CancelFunc // cancels the timeout; nil without one
}

// close releases everything that prepare opened.
func (a *app) close() {
	if a.progress != nil {
		a.progress.done()
	}
	if a.ledger != nil {
		_ = a.ledger.Close() // everything is committed
	}
	if a.release != nil {
		a.release()
	}
}

func (a *app) addFlags(f *pflag.FlagSet) {
	f.StringArrayVarP(&a.filenames, "filename", "f", nil, "where the objects are: a file, a directory, - for standard input, git+https://HOST/REPO//FOLDER?ref=BRANCH, or oci://HOST/REPO:TAG//FOLDER (repeatable; default: the current directory)")
	f.StringArrayVarP(&a.kustomize, "kustomize", "k", nil, "build this kustomization and read its result (repeatable)")
	a.signers.prefix = "source-"
	f.StringArrayVar(&a.signers.keys, "source-key", nil, "a file with a public key of cosign: every oci:// of -f must be signed by one of them (repeatable)")
	f.StringVar(&a.signers.identity, "source-identity", "", "who must have signed every oci:// of -f without a key, by the subject of the certificate, as a regular expression that matches the whole")
	f.StringVar(&a.signers.issuer, "source-issuer", "", "who must vouch for --source-identity, as a regular expression that matches the whole")
	f.StringVar(&a.signers.root, "source-trusted-root", "", "a file with the trusted root for --source-identity (default: that of Sigstore's public good instance)")
	f.StringArrayVar(&a.secrets, "secrets", nil, "folder of mounted Secrets: DIR/<namespace>/<name>/<key>, or DIR/<name>/<key> (repeatable)")
	f.StringArrayVar(&a.tokenFiles, "registry-token-file", nil, "file with a token of OpenID Connect for a registry, such as the projected one of a ServiceAccount: HOST=FILE, or USER@HOST=FILE to send it as a password (repeatable)")
	f.StringVarP(&a.namespace, "namespace", "n", "default", "namespace of objects that name none, and the scope of NAME arguments")
	f.BoolVar(&a.allowEmpty, "allow-empty", false, "what -f and -k name may hold no object")
	f.StringVarP(&a.output, "output", "o", "table", "table, json or yaml")
	f.StringVar(&a.state, "state", "", "where what was seen and done is kept: sqlite:PATH, postgres://..., or none (default: sqlite in the user's state directory)")
	f.IntVar(&a.concurrency, "concurrency", 16, "registry requests in flight per host")
	f.DurationVar(&a.timeout, "timeout", 0, "bound on the whole command, such as 5m (default: none)")
	f.StringVar(&a.logLevel, "log-level", "", "debug, info, warn or error: of everything on standard error (default: warn, of serve info)")
	f.StringVar(&a.logFormat, "log-format", "text", "text or json: of everything on standard error")
	f.BoolVar(&a.noCrossNamespaceRefs, "no-cross-namespace-refs", false, "objects refer to objects of their own namespace alone")
	f.StringArrayVar(&a.plainHTTP, "plain-http", nil, "a `HOST[:PORT]` of a registry without TLS (repeatable); loopback and private addresses need none")
	f.BoolVar(&a.refusePrivate, "refuse-private", false, "connect to no private or loopback address")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also: NO_COLOR in the environment)")
}

// namespace is the grammar of a namespace's name (RFC 1123, section 2.1).
var namespace = pinsetter.Pattern(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// prepare runs before every command. It sets flags from the environment, checks
// the common ones, and sets up logging.
func (a *app) prepare(cmd *cobra.Command) error {
	err := flagsFromEnvironment(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"table", "json", "yaml"}, a.output) {
		return usage("--output %q: write table, json or yaml", a.output)
	}
	if !namespace().MatchString(a.namespace) {
		return usage("--namespace %q is no name of a namespace: write letters a to z, digits and -", a.namespace)
	}
	if a.tokens, err = cloud.ParseTokenFiles(a.tokenFiles); err != nil {
		return usage("--registry-token-file: %v", err)
	}
	if given := a.signers.given(); given != "" && len(a.filenames) > 0 && !slices.ContainsFunc(a.filenames, remote.IsArtifact) {
		return usage("%s is for artifacts, and no -f is one: only oci:// is verified", given)
	}
	if a.concurrency < 1 {
		return usage("--concurrency %d: at least one request must be allowed", a.concurrency)
	}
	if a.timeout < 0 {
		return usage("--timeout %s: a bound lies in the future; leave it out for none", a.timeout)
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
	a.progress = newProgress(a.err)
	a.remote = &remote.Reader{
		Git: a.gitOptions(), Roots: a.roots(), Signers: a.signers.rules, Progress: a.progress.show,
		Registry: func() *registry.Registry {
			return a.botOptions(registry.Options{Concurrency: a.concurrency, UserAgent: userAgent()}).Registry
		},
	}
	if a.timeout > 0 {
		ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.timeout, fmt.Errorf("--timeout %s is over", a.timeout))
		a.release = cancel
		cmd.SetContext(ctx)
	}
	return nil
}

// commandLineOnly annotates flags that the environment doesn't set.
const commandLineOnly = "command-line-only"

// flagsFromEnvironment sets every flag that the command line omits and that the
// environment has as PINSETTER_<FLAG>, but those that are commandLineOnly. Lists are separated by commas.
func flagsFromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Annotations[commandLineOnly] != nil {
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
		return &exitError{statusUsage, err}
	}
	return nil
}

func (a *app) setLog() error {
	if err := a.level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return usage("--log-level %q: write debug, info, warn or error", a.logLevel)
	}
	options := &slog.HandlerOptions{Level: a.level}
	switch a.logFormat {
	case "text":
		a.log = slog.New(slog.NewTextHandler(a.err, options))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(a.err, options))
	default:
		return usage("--log-format %q: write text or json", a.logFormat)
	}
	return nil
}

// dsn returns the address of the state.
func (a *app) dsn() (store.DSN, error) {
	if a.state != "" {
		dsn, err := store.ParseDSN(a.state)
		if err != nil {
			return store.DSN{}, usage("--state: %w", err)
		}
		return dsn, nil
	}
	home, _ := os.UserHomeDir() // DefaultDSN reports a missing one
	return store.DefaultDSN(os.Getenv, home)
}

// openLedger opens the ledger. If it can't be opened, openLedger warns, and the
// command continues without it: decisions come from objects, registries and
// branches. The error is for a wrong command line.
func (a *app) openLedger(ctx context.Context, o store.Options) error {
	dsn, err := a.dsn()
	if end := (*exitError)(nil); errors.As(err, &end) {
		return err
	}
	if err == nil {
		a.ledger, err = store.Open(ctx, dsn, o)
	}
	if err == nil && !o.ReadOnly && a.ledger.Remembers() {
		a.keep = cmp.Or(dsn.Folder(), userCache())
	}
	if err != nil {
		a.ledger = &store.Ledger{} // which remembers nothing
		a.say("warning", "nothing is remembered of this run: "+err.Error())
		return nil
	}
	if reason := a.ledger.Ephemeral(); reason != "" {
		a.say("warning", reason)
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

// painter returns the colours for w: none if w is no terminal or the user wants
// none (https://no-color.org).
func (a *app) painter(w io.Writer) painter {
	return painter{on: !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)}
}

// print writes v to standard output as JSON or YAML, or calls table for the
// format for people.
func (a *app) print(v any, table func(io.Writer, painter) error) error {
	switch a.output {
	case "json":
		e := json.NewEncoder(a.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		out, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = a.out.Write(out)
		return err
	default:
		return table(a.out, a.painter(a.out))
	}
}
