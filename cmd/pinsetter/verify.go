package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
)

// statusUnasked is that of verify if it could not be asked who signed.
const statusUnasked = 4

func newVerify(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify REF",
		Short: "Ask who signed an image, by the rules that apply to it",
		Long: `Resolves the tag of an image, chart or artifact, reads the signatures of its digest,
and says which rules hold: those of the Gates that select a policy of the image, or
those of the flags. It ends with 1 if a rule doesn't hold, and with 4 if the registry
could not be asked.`,
		Example: `  pinsetter verify -f clusters/production ghcr.io/org/app:1.2.3
  pinsetter verify --key cosign.pub ghcr.io/org/app:1.2.3 -o json
  pinsetter verify --issuer https://token.actions.githubusercontent.com \
    --identity 'https://github.com/org/app/.github/workflows/release.yml@refs/tags/.*' ghcr.io/org/app:1.2.3`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("verify takes one reference, such as ghcr.io/org/app:1.2.3")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			image, err := parseReference(args[0])
			if err != nil {
				return err
			}
			rules, err := f.rules()
			if err != nil {
				return err
			}
			set := &fleet.Set{}
			if len(rules) == 0 || len(a.filenames)+len(a.kustomize) > 0 {
				if set, err = a.load(cmd.Context()); err != nil {
					return err
				}
			}
			failed := a.report(needs{}.judge(set.Findings))
			v, err := a.bot(set).Verify(cmd.Context(), image, rules)
			a.progress.done()
			if err != nil {
				return usage("%w", err)
			}
			if len(v.Rules) == 0 {
				return usage("no rule applies to %s: no Gate with verify selects a policy of it in %s; name a key with --key, or a signer with --identity and --issuer", v.Ref, a.sources())
			}
			if err := a.print(v, verifyTable(v)); err != nil {
				return err
			}
			return finishVerify(v, failed)
		},
	}
	cmd.Flags().StringVar(&f.identity, "identity", "", "who must have signed without a key, by the subject of the certificate, as a regular expression that matches the whole")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "who must vouch for --identity, as a regular expression that matches the whole")
	cmd.Flags().StringVar(&f.root, "trusted-root", "", "a file with the trusted root for --identity (default: that of Sigstore's public good instance)")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "a file with a public key that is trusted, in place of the objects' rules (repeatable: one of them must have signed)")
	return cmd
}

// finishVerify returns the exit status of a verdict. One rule that refuses is enough
// to refuse, whatever the others would say.
func finishVerify(v *bot.Verified, failed error) error {
	status := statusDone
	for _, r := range v.Rules {
		switch {
		case r.Verdict == pinsetter.SignatureRefused:
			return &exitError{statusFailed, nil}
		case r.Verdict != pinsetter.SignatureVerified:
			status = statusUnasked
		}
	}
	if status != statusDone {
		return &exitError{status, nil}
	}
	return finish(failed)
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
		return image, usage("%q: %q is not a digest like sha256:<64 hex digits>", text, digest)
	case image.Tag != "" && !pinsetter.ValidTag(image.Tag):
		return image, usage("%q: %q is not a tag", text, image.Tag)
	case image.Tag == "" && !pinned:
		return image, usage("%q has neither tag nor digest: write one, such as %s:1.2.3", text, name)
	}
	return image, nil
}

// verifyFlags are the rule that flags of verify are.
type verifyFlags struct {
	keys             []string
	identity, issuer string
	root             string
}

// rules returns the rule that the flags are; nil without any.
func (f verifyFlags) rules() ([]*fleet.Trust, error) {
	keyless := f.identity != "" || f.issuer != ""
	switch {
	case len(f.keys) > 0 && keyless:
		return nil, usage("--key and --identity ask for different signatures: run verify once with each")
	case f.root != "" && !keyless:
		return nil, usage("--trusted-root is for signatures without keys: name who signed with --identity and --issuer")
	case keyless:
		return f.ofIdentity()
	case len(f.keys) > 0:
		return f.ofKeys()
	}
	return nil, nil
}

// ofKeys returns the rule that files with public keys are.
func (f verifyFlags) ofKeys() ([]*fleet.Trust, error) {
	trust := &fleet.Trust{From: "--key " + strings.Join(f.keys, ", "), Provider: fleet.ProviderCosign}
	for _, file := range f.keys {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, usage("--key: %w", err)
		}
		der, err := secret.ParsePublicKey(text)
		if err != nil {
			return nil, usage("--key %s has %w", file, err)
		}
		trust.Keys = append(trust.Keys, fleet.PublicKey{Name: file, DER: der})
	}
	return []*fleet.Trust{trust}, nil
}

// ofIdentity returns the rule that an identity is.
func (f verifyFlags) ofIdentity() ([]*fleet.Trust, error) {
	identity, err := fleet.NewIdentity(f.issuer, f.identity)
	if err != nil {
		return nil, usage("--identity and --issuer: %w", err)
	}
	keyless := &fleet.Keyless{Identities: []fleet.Identity{identity}}
	if f.root != "" {
		if keyless.Root, err = os.ReadFile(f.root); err != nil {
			return nil, usage("--trusted-root: %w", err)
		}
		if err := secret.CheckTrustedRoot(keyless.Root); err != nil {
			return nil, usage("--trusted-root %s has %w", f.root, err)
		}
	}
	return []*fleet.Trust{{From: "--identity " + f.identity, Provider: fleet.ProviderCosign, Keyless: keyless}}, nil
}

func verifyTable(v *bot.Verified) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		t.header("RULE", "PROVIDER", "VERDICT", "SIGNER", "ISSUER", "SIGNED AT", "LOG")
		for _, r := range v.Rules {
			verdict := cell{string(r.Verdict), red}
			if r.Verdict == pinsetter.SignatureVerified {
				verdict.style = green
			}
			if r.Reason != "" {
				verdict.text += ": " + r.Reason
			}
			at := ""
			if !r.SignedAt.IsZero() {
				at = r.SignedAt.UTC().Format(time.RFC3339)
			}
			t.row(cell{r.From, plain}, cell{r.Provider, plain}, verdict, cell{r.Signer, plain}, cell{r.Issuer, plain}, cell{at, plain}, cell{r.Log, plain})
		}
		if err := t.write(w); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, p.paint(dim, v.Ref+" is "+v.Digest))
		return err
	}
}
