// Command pinsetter keeps image tags, digests, chart versions and OCI artifact
// references in Git up to date, by policy.
//
// Each command has its own file. This one has the shared parts: the root
// command, the exit status and the streams. Results go to standard output,
// everything else to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter/cmd/pinsetter/adopting"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
)

// softMemory is where Go collects garbage more eagerly, in bytes, if GOMEMLIMIT says
// nothing else: it keeps the worst that the bounds let in below 256 MB.
const softMemory = 190 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go endOn(signals, cancel)
	status := run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	os.Exit(status)
}

// endOn cancels the command at the first signal, and ends the process at the
// second, however soon it follows.
func endOn(signals <-chan os.Signal, cancel context.CancelFunc) {
	<-signals
	cancel()
	status := 128 // the convention of shells
	if s, ok := (<-signals).(syscall.Signal); ok {
		status += int(s)
	}
	os.Exit(status)
}

// run is main without the process: it runs the command in args and returns the
// exit status.
func run(ctx context.Context, args []string, s cli.Streams) int {
	a := cli.New(s, version())
	defer a.Close()
	root := newRoot(a)
	root.SetArgs(args)
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		return cli.StatusDone
	}
	var e *cli.ExitError
	if !errors.As(err, &e) { // cobra's own: an unknown command or flag
		message, meant, guessed := strings.Cut(err.Error(), "Did you mean this?")
		if guessed {
			message = strings.TrimSpace(message) + "; did you mean " + strings.Join(strings.Fields(meant), " or ") + "?"
		}
		if strings.Contains(message, "--dry-run") {
			message += ": pinsetter diff shows what run would change, and writes nothing"
		}
		a.Say("error", strings.Join(strings.Fields(message), " "))
		if help := fmt.Sprintf("run \"%s --help\" to see what there is", called.CommandPath()); a.LogFormat == "json" {
			a.Say("note", help)
		} else {
			fmt.Fprintln(s.Err, help)
		}
		return cli.StatusUsage
	}
	for _, cause := range flatten(e.Err) {
		a.Say("error", cause.Error())
	}
	return e.Status
}

// flatten returns the errors that err joins, in order, without those that have
// no text of their own.
func flatten(err error) []error {
	if e, ok := err.(*cli.ExitError); ok { //nolint:errorlint // at the top, not inside a chain
		err = e.Err
	}
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

func newRoot(a *cli.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "pinsetter",
		Short: "Keep image tags, digests, chart versions and OCI references in Git up to date, by policy",
		Long: `Pinsetter scans registries for tags, picks one by policy, rewrites the fields that
$imagepolicy comments mark, and pushes the commit. It reads Flux's own objects
unchanged, and needs neither a cluster nor Flux.`,
		Example: `  pinsetter diff -f clusters/production     # what would change, and what is held
  pinsetter run -f clusters/production      # do it: commit and push
  pinsetter explain flux-system/podinfo     # why this tag, and where it goes`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.Prepare(cmd)
		},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	a.AddFlags(root.PersistentFlags())
	root.AddCommand(
		newRun(a), newDiff(a), newScan(a), newSelect(a), newExplain(a),
		newSet(a), newLint(a), newVerify(a), newServe(a), newHistory(a), adopting.NewInit(a), adopting.NewMigrate(a), newArtifact(a), newVersion(a),
	)
	strictHelp(root)
	return root
}

// strictHelp makes cobra's own commands fail for unknown arguments. By default
// they print help and succeed.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return cli.Usage("%s %q: write one of bash, fish, powershell and zsh", cmd.CommandPath(), args[0])
				}
				return cmd.Help()
			}
		case "help":
			cmd.Run = nil
			cmd.RunE = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil || len(rest) > 0 {
					return cli.Usage("help %q: there is no such command", strings.Join(args, " "))
				}
				return about.Help()
			}
		}
	}
}
