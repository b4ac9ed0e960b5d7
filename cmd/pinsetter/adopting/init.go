// Package adopting has the commands that bring a repository to Pinsetter: init and
// migrate. They propose edits of a folder, and make them if they are told to.
package adopting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source/remote"
	"github.com/pinsetter/pinsetter/spec"
)

// initFlags are the flags of init.
type initFlags struct {
	dir, step, policies  string
	pin, write, exitCode bool
}

// NewInit returns the command init.
func NewInit(a *cli.App) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [--dir DIR]",
		Short: "Propose markers and policies for the images that a folder uses",
		Long: `Finds the images, charts and artifacts that the files below a directory use and no
marker moves, asks their registries, and proposes for each the policy that its
present tag suggests: a diff, and a table. What is skipped, and why, is in the table
too. With --write the comments and the objects are written; no other byte changes,
and nothing is committed.

A policy is proposed only if at least three tags are written like the present one,
the present one is among them, and none of lower rank would be taken. Policies and
automations that are there already are used. Objects are read from --dir, or from
what -f names.`,
		Example: `  pinsetter init                        # what it would write, and why not more
  pinsetter init --write && git diff
  pinsetter init --dir clusters --range patch --pin -o json`,
		Args: cli.NoNames("say with --dir where the files are"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"patch", "minor", "major"}, f.step) {
				return cli.Usage("--range %q: write patch, minor or major", f.step)
			}
			return runInit(cmd.Context(), a, f, cmd.Flags().Changed("namespace"))
		},
	}
	cmd.Flags().StringVar(&f.dir, "dir", ".", "directory to look in")
	cmd.Flags().StringVar(&f.step, "range", "minor", "the largest step of a version that is proposed: patch, minor or major")
	cmd.Flags().BoolVar(&f.pin, "pin", false, "digests too, behind tags and in digest fields")
	cmd.Flags().StringVar(&f.policies, "policies", "", "file below --dir for new objects (default .github/pinsetter/policies.yaml in a Git work tree, else pinsetter/policies.yaml)")
	cmd.Flags().BoolVar(&f.write, "write", false, "write the files")
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "exit with status 3 when there is something to propose")
	return cmd
}

// initiation is one call of init.
type initiation struct {
	app       *cli.App
	flags     initFlags
	tree      cli.WorkTree
	policies  string // file of new objects, relative to the directory
	there     *thereAlready
	files     []*adopt.File
	rules     []adopt.Rule
	proposal  *adopt.Proposal
	edits     []adopt.Edit
	automated bool // an automation writes what is proposed
	failed    error
}

func runInit(ctx context.Context, a *cli.App, f initFlags, givenNamespace bool) error {
	i := &initiation{app: a, flags: f}
	var err error
	if i.tree, err = cli.FindWorkTree(f.dir); err != nil {
		return cli.Finish(err)
	}
	if i.policies, err = placeOfPolicies(f.dir, f.policies, i.tree.Root != ""); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if i.there, err = readThere(ctx, a, f.dir, givenNamespace); err != nil {
		return err
	}
	asking := newAsking(ctx, a, i.there.access)
	listings, err := i.gather(ctx, asking)
	if err != nil {
		return err
	}
	i.failed = errors.Join(i.failed, asking.failed())
	i.proposal = adopt.Propose(i.files, listings, adopt.Options{
		Namespace: i.there.namespace, Step: spec.Bump(f.step), Pin: f.pin, Rules: i.rules,
		Labels: i.there.labels, Policies: i.there.policies, Repositories: i.there.repositories, Taken: i.there.taken,
	})
	asking.digests(i.proposal.Entries)
	a.Progress.Done()
	if err := i.edit(); err != nil {
		return cli.Finish(err)
	}
	return i.end()
}

// placeOfPolicies returns the file of new objects, relative to the directory that
// it is below: what a flag says, else the usual one.
func placeOfPolicies(dir, flag string, inGit bool) (string, error) {
	if flag == "" {
		if inGit {
			return ".github/pinsetter/policies.yaml", nil
		}
		return "pinsetter/policies.yaml", nil
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", cli.Finish(err)
	}
	file, err := filepath.Abs(flag)
	if err != nil {
		return "", cli.Finish(err)
	}
	below, err := filepath.Rel(from, file)
	if err != nil || !filepath.IsLocal(below) { // then it is meant from there
		below = filepath.Clean(flag)
	}
	if !filepath.IsLocal(below) || below == "." || !setters.IsCandidate(filepath.ToSlash(below)) {
		return "", cli.Usage("--policies %q: name a .yaml file below %s", flag, dir)
	}
	return filepath.ToSlash(below), nil
}

// garbage is the percentage by which memory may grow between two collections while
// files are parsed: 10,000 manifests make 300 MB of nodes, which nobody needs once
// their file is searched.
const garbage = 200

// gather finds the references and asks their registries.
func (i *initiation) gather(ctx context.Context, asking *asking) (map[string]adopt.Listing, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	if err := i.find(ctx, asking); err != nil {
		return nil, err
	}
	i.readRenovate()
	if err := i.notApplied(); err != nil {
		return nil, err
	}
	adopt.Resolve(i.files)
	if err := i.askIndexes(asking); err != nil {
		return nil, err
	}
	return asking.all(adopt.Images(i.files), func(ctx context.Context) { adopt.Rehearse(ctx, i.files) }), nil
}

// find finds the references in the directory. A registry is asked as soon as an
// image is found, and answers while files are parsed.
func (i *initiation) find(ctx context.Context, asking *asking) error {
	f, err := folder.Open(i.flags.dir)
	if err != nil {
		return cli.Exit(cli.StatusUsage, err)
	}
	defer f.Close()
	i.app.Progress.Show("reading " + i.flags.dir)
	options := adopt.FindOptions{Namespace: i.app.Namespace, Pin: i.flags.pin}
	i.files, err = folder.Each(ctx, f, folder.Options{Want: setters.IsCandidate, Screen: adopt.MayHold, MaxSize: setters.MaxSize},
		func(name string, data []byte) (*adopt.File, bool) {
			file := adopt.Find(name, bytes.Clone(data), options)
			if name == i.policies {
				return nil, false
			}
			for _, r := range file.References {
				if r.IsReady() {
					asking.start(r.Image.Name)
				}
			}
			return file, len(file.References)+len(file.HelmRepositories)+len(file.Applied) > 0
		})
	i.failed = errors.Join(i.failed, err)
	return context.Cause(ctx)
}

// readRenovate reads Renovate's settings, if there are any.
func (i *initiation) readRenovate() {
	f, err := folder.Open(i.flags.dir)
	if err != nil {
		return // find said so
	}
	defer f.Close()
	for _, name := range adopt.RenovateFiles {
		data, err := f.Read(name)
		if err != nil {
			continue
		}
		root, err := adopt.ReadRenovate(name, data)
		if err != nil {
			i.app.Say("warning", fmt.Sprintf("%s: %v: its allowedVersions and minimumReleaseAge are not used", path.Join(i.flags.dir, name), err))
		}
		i.rules = adopt.Rules(root)
		return
	}
}

// notApplied refuses a place for new objects from which a cluster would apply them.
func (i *initiation) notApplied() error {
	for _, file := range i.files {
		for _, applied := range file.Applied {
			from := path.Join(i.tree.Folder, i.policies)
			if applied != "" && !strings.HasPrefix(from, applied+"/") || i.isKustomized(applied) {
				continue
			}
			return cli.Usage("--policies %s: %s applies %q, and the new objects with it: name a file elsewhere, or give that folder a kustomization.yaml",
				i.policies, path.Join(i.flags.dir, file.Path), "./"+applied)
		}
	}
	return nil
}

// isKustomized reports whether a folder has a kustomization, so that only what it
// names is applied.
func (i *initiation) isKustomized(folder string) bool {
	root := i.tree.Root
	if root == "" {
		root = i.flags.dir
	}
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if exists(filepath.Join(root, filepath.FromSlash(folder), name)) {
			return true
		}
	}
	return false
}

// edit gathers the files to write: those with markers, and the one of new objects.
func (i *initiation) edit() error {
	i.edits = i.proposal.Edits
	objects := slices.Concat(i.proposal.Objects, i.writers())
	if len(objects) == 0 {
		return nil
	}
	f, err := folder.Open(i.flags.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	var old []byte
	if exists(filepath.Join(i.flags.dir, filepath.FromSlash(i.policies))) {
		if old, err = f.Read(i.policies); err != nil {
			return err
		}
	}
	file, err := adopt.Append(old, objects, i.app.Namespace)
	if err != nil {
		return err
	}
	i.edits = adopt.Edits(append(slices.Clone(i.edits), adopt.Edit{Path: i.policies, Old: old, New: file}))
	return nil
}

// end prints and writes.
func (i *initiation) end() error {
	a := i.app
	for n := range i.proposal.Entries {
		e := &i.proposal.Entries[n]
		e.Path = path.Join(i.tree.Folder, e.Path)
	}
	if err := a.Print(append([]adopt.Entry{}, i.proposal.Entries...), i.table); err != nil {
		return err
	}
	if i.flags.write && len(i.edits) > 0 {
		if err := writeEdits(i.flags.dir, i.edits); err != nil {
			return cli.Finish(i.failed, err)
		}
	}
	if len(i.edits) > 0 {
		i.sayNext()
	}
	if err := cli.Finish(i.failed); err != nil {
		return err
	}
	if i.flags.exitCode && len(i.edits) > 0 {
		return &cli.ExitError{Status: cli.StatusDifferent}
	}
	return nil
}

// table prints the diff, or the names of written files, and what was found.
func (i *initiation) table(w io.Writer, p cli.Painter) error {
	if i.flags.write {
		for _, e := range i.edits {
			fmt.Fprintf(w, "%s %s\n", p.Paint(cli.Green, "wrote"), cli.Printable(path.Join(i.flags.dir, e.Path)))
		}
	} else if err := printEdits(w, p, i.tree.Folder, i.edits); err != nil {
		return err
	}
	found, skipped := cli.Table{Painter: p}, cli.Table{Painter: p}
	found.Header("PLACE", "REFERENCE", "POLICY", "RANGE", "CURRENT", "BEST")
	skipped.Header("PLACE", "REFERENCE", "SKIPPED")
	for _, e := range i.proposal.Entries {
		at := cli.NewCell(cli.Place(e.Path, e.Line), cli.Plain)
		if e.Skipped != "" {
			skipped.Row(at, cli.NewCell(e.Reference, cli.Plain), cli.NewCell(e.Skipped, cli.Yellow))
			continue
		}
		best := cli.NewCell(short(e.Best), cli.Plain)
		if e.Best != e.Current {
			best.Style = cli.Green
		}
		found.Row(at, cli.NewCell(e.Reference, cli.Plain), cli.NewCell(e.Policy, cli.Bold), cli.NewCell(e.Range, cli.Plain), cli.NewCell(short(e.Current), cli.Plain), best)
	}
	if len(i.edits) > 0 && len(i.proposal.Entries) > 0 {
		fmt.Fprintln(w)
	}
	if err := found.Write(w); err != nil {
		return err
	}
	if len(found.Rows) > 0 && len(skipped.Rows) > 0 {
		fmt.Fprintln(w)
	}
	if err := skipped.Write(w); err != nil {
		return err
	}
	if len(i.edits) == 0 {
		_, err := fmt.Fprintln(w, p.Paint(cli.Dim, i.nothing()))
		return err
	}
	return nil
}

// nothing says why nothing is proposed.
func (i *initiation) nothing() string {
	switch n := len(i.proposal.Entries); {
	case n == 0 && i.there.marked():
		return "nothing to propose: a marker moves every reference"
	case n == 0:
		return "nothing to propose: no image, chart or artifact was found below " + i.flags.dir
	}
	return "nothing to propose"
}

// short cuts a digest as people do.
func short(text string) string {
	if pinsetter.ValidDigest(text) {
		return text[:len("sha256:")+12]
	}
	return text
}

// sayNext says which commands come next.
func (i *initiation) sayNext() {
	from := i.objectSources()
	next := "pinsetter run " + from
	switch {
	case !i.flags.write:
		next = "pinsetter init " + i.again() + "--write"
	case !i.automated && i.tree.Origin == "":
		next = fmt.Sprintf("pinsetter set --dir %s %s", i.flags.dir, from)
		i.app.Say("note", "there is no remote \"origin\", so no automation was proposed: add the remote, and run init again")
	case i.automated && i.tree.Root != "":
		next = "git add --all && git commit -m \"Let Pinsetter update images\" && git push, then " + next
	}
	i.app.Say("next", next)
}

// again returns the flags of this call that a second one needs.
func (i *initiation) again() string {
	var b strings.Builder
	add := func(given bool, text string) {
		if given {
			b.WriteString(text + " ")
		}
	}
	add(i.flags.dir != ".", "--dir "+i.flags.dir)
	add(i.flags.step != "minor", "--range "+i.flags.step)
	add(i.flags.pin, "--pin")
	add(i.flags.policies != "", "--policies "+i.flags.policies)
	for _, name := range i.app.Filenames {
		add(true, "-f "+remote.WithoutUser(name))
	}
	add(i.there.givenNamespace, "-n "+i.there.namespace)
	return b.String()
}

// objectSources returns the -f of the commands that come next.
func (i *initiation) objectSources() string {
	var all []string
	follows := func(o adopt.Object) bool { return o.Kind == "ChartRepository" } // its HelmRepository is there
	if i.there.any() || slices.ContainsFunc(i.proposal.Objects, follows) {
		for _, name := range i.app.Filenames {
			all = append(all, "-f "+remote.WithoutUser(name))
		}
		if len(i.app.Filenames) == 0 {
			return "-f " + i.flags.dir // the new file is below it
		}
	}
	return strings.Join(append(all, "-f "+path.Join(filepath.ToSlash(i.flags.dir), i.policies)), " ")
}
