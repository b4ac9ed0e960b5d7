package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/verify"
)

// release is the version of a released binary, set by the linker.
var release string

// version returns the release, or else the version that Go recorded in the
// build.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// commit returns the commit of the build, and its date in RFC 3339. Both are ""
// if the build doesn't record them: go install uses a module, not a checkout.
func commit() (revision, date string) {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return "", ""
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	return settings["vcs.revision"], settings["vcs.time"]
}

func newVersion(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this program, its commit and that commit's date",
		Example: `  pinsetter version -o json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string `json:"version"`
				Commit   string `json:"commit,omitempty"`
				Date     string `json:"date,omitempty"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
				Root     string `json:"sigstoreRoot"` // date of the trusted root of Sigstore
			}{Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Root: verify.RootDate}
			v.Commit, v.Date = commit()
			return a.Print(v, func(w io.Writer, _ cli.Painter) error {
				from := ""
				if v.Commit != "" {
					from = fmt.Sprintf("commit %.12s of %s, ", v.Commit, v.Date)
				}
				_, err := fmt.Fprintf(w, "pinsetter %s (%s%s, %s, Sigstore's root of %s)\n", v.Version, from, v.Go, v.Platform, v.Root)
				return err
			})
		},
	}
}
