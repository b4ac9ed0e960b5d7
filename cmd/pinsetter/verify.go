package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/verify"
)

// statusUnasked is that of verify if it could not be asked who signed.
const statusUnasked = 4

func newVerify(a *cli.App) *cobra.Command {
	var f cli.Signers
	cmd := &cobra.Command{
		Use:   "verify REF",
		Short: "Ask who signed an image, by the rules that apply to it",
		Long: `Resolves the tag of an image, chart or artifact, reads the signatures of its digest,
and says which rules hold: those of the Gates that select a policy of the image, and
of the objects of Flux that verify what they pull and name it, or those of the flags. It ends with 1 if a rule doesn't hold, and with 4 if the registry
could not be asked.`,
		Example: `  pinsetter verify -f clusters/production ghcr.io/org/app:1.2.3
  pinsetter verify --key cosign.pub ghcr.io/org/app:1.2.3 -o json
  pinsetter verify --issuer https://token.actions.githubusercontent.com \
    --identity 'https://github.com/org/app/.github/workflows/release.yml@refs/tags/.*' ghcr.io/org/app:1.2.3`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("verify takes one reference, such as ghcr.io/org/app:1.2.3")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			image, err := parseReference(args[0])
			if err != nil {
				return err
			}
			rules, err := f.Rules()
			if err != nil {
				return err
			}
			set := &fleet.Set{}
			var from cli.Sources
			if len(rules) == 0 || len(a.Filenames)+len(a.Kustomize) > 0 {
				a.Artifacts = true
				from = a.Read(cmd.Context())
				if set, err = a.LoadFrom(from); err != nil {
					return err
				}
			}
			failed := a.Report(cli.Needs{}.Judge(set.Findings))
			v, err := a.Bot(set).Verify(cmd.Context(), image, rules, sitesIn(from.Files))
			a.Progress.Done()
			if err != nil {
				return cli.Usage("%w", err)
			}
			if len(v.Rules) == 0 {
				return cli.Usage("no rule applies to %s: in %s no Gate with verify selects a policy of it, and no object that verifies what it pulls names it; name a key with --key, or a signer with --identity and --issuer", v.Ref, a.Sources())
			}
			if err := a.Print(v, verifyTable(v)); err != nil {
				return err
			}
			return finishVerify(v, failed)
		},
	}
	cmd.Flags().StringVar(&f.Identity, "identity", "", "who must have signed without a key, by the subject of the certificate, as a regular expression that matches the whole")
	cmd.Flags().StringVar(&f.Issuer, "issuer", "", "who must vouch for --identity, as a regular expression that matches the whole")
	cmd.Flags().StringVar(&f.Root, "trusted-root", "", "a file with the trusted root for --identity (default: that of Sigstore's public good instance)")
	cmd.Flags().StringVar(&f.Notation, "notation-policy", "", "a file with a trust policy of notation, with the certificates beside it in truststore/x509/TYPE/NAME")
	cmd.Flags().StringArrayVar(&f.Attestations, "attestation", nil, "a predicate type that they must have attested, in place of a signature (repeatable: each of them)")
	cmd.Flags().StringArrayVar(&f.Keys, "key", nil, "a file with a public key that is trusted, in place of the objects' rules (repeatable: one of them must have signed)")
	return cmd
}

// sitesIn returns the marked places in files of objects. What is wrong with markers
// is said by lint.
func sitesIn(files []source.File) []pinsetter.Site {
	var sites []pinsetter.Site
	for _, f := range files {
		for _, site := range setters.Find(f.Path, f.Data).Sites {
			for i := range site.Markers {
				site.Markers[i].Line = f.Line(site.Markers[i].Line) // of the source, if it was built
			}
			sites = append(sites, site)
		}
	}
	return sites
}

// finishVerify returns the exit status of a verdict. One rule that refuses is enough
// to refuse, whatever the others would say.
func finishVerify(v *verify.Report, failed error) error {
	status := cli.StatusDone
	for _, r := range v.Rules {
		switch {
		case r.Verdict == pinsetter.SignatureRefused:
			return cli.Exit(cli.StatusFailed, nil)
		case r.Verdict != pinsetter.SignatureVerified:
			status = statusUnasked
		}
	}
	if status != cli.StatusDone {
		return cli.Exit(status, nil)
	}
	return cli.Finish(failed)
}

// parseReference reads "[oci://]NAME:TAG", "NAME@DIGEST" or "NAME:TAG@DIGEST".
func parseReference(text string) (pinsetter.Image, error) {
	_, name := pinsetter.CutScheme(text)
	name, digest, pinned := strings.Cut(name, "@")
	image := pinsetter.Image{Name: name, Digest: digest}
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		image.Name, image.Tag = name[:colon], name[colon+1:]
	}
	switch {
	case pinned && !pinsetter.ValidDigest(digest):
		return image, cli.Usage("%q: %q is not a digest like sha256:<64 hex digits>", text, digest)
	case image.Tag != "" && !pinsetter.ValidTag(image.Tag):
		return image, cli.Usage("%q: %q is not a tag", text, image.Tag)
	case image.Tag == "" && !pinned:
		return image, cli.Usage("%q has neither tag nor digest: write one, such as %s:1.2.3", text, name)
	}
	return image, nil
}

func verifyTable(v *verify.Report) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		t := cli.Table{Painter: p}
		t.Header("RULE", "PROVIDER", "VERDICT", "SIGNER", "ISSUER", "SIGNED AT", "LOG")
		for _, r := range v.Rules {
			verdict := cli.NewCell(string(r.Verdict), cli.Red)
			if r.Verdict == pinsetter.SignatureVerified {
				verdict.Style = cli.Green
			}
			if r.Reason != "" {
				verdict.Text += ": " + r.Reason
			}
			at := ""
			if !r.SignedAt.IsZero() {
				at = r.SignedAt.UTC().Format(time.RFC3339)
			}
			t.Row(cli.NewCell(r.From, cli.Plain), cli.NewCell(r.Provider, cli.Plain), verdict, cli.NewCell(r.Signer, cli.Plain), cli.NewCell(r.Issuer, cli.Plain), cli.NewCell(at, cli.Plain), cli.NewCell(r.Log, cli.Plain))
		}
		if err := t.Write(w); err != nil || v.Digest == "" {
			return err
		}
		_, err := fmt.Fprintln(w, p.Paint(cli.Dim, v.Ref+" is "+v.Digest))
		return err
	}
}
