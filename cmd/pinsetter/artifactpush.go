package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
)

// packFlags say what is packed: of push and diff.
type packFlags struct {
	path      string
	ignore    []string
	layerType string
}

func (f *packFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.path, "path", "f", "", "the folder or file whose content it is; - for standard input")
	cmd.Flags().StringSliceVar(&f.ignore, "ignore-paths", artifact.DefaultIgnore(), "what of a folder is left out, in the format of .gitignore")
	cmd.Flags().StringVar(&f.layerType, "layer-type", artifact.LayerTarball, "tarball, or static: the bytes of one file")
	cmd.Flags().StringArray("filename", nil, "") // -f is --path here
	_ = cmd.Flags().MarkHidden("filename")       // it is there
}

// source returns what the flags name.
func (f *packFlags) source(a *cli.App) (artifact.Source, error) {
	s := artifact.Source{Path: f.path, Ignore: f.ignore, LayerType: f.layerType}
	switch {
	case f.path == "":
		return s, cli.Usage("--path is required: the folder or file whose content the artifact has")
	case f.layerType != artifact.LayerTarball && f.layerType != artifact.LayerStatic:
		return s, cli.Usage("--layer-type %q: write %s or %s", f.layerType, artifact.LayerTarball, artifact.LayerStatic)
	case f.path == "-":
		read, err := source.ReadFrom("stdin", a.In)
		if err == nil && len(read.Data) == 0 {
			err = errors.New("standard input is empty")
		}
		s.Bytes = read.Data
		return s, err
	}
	if _, err := os.Stat(f.path); err != nil {
		return s, cli.Usage("--path: %w", err)
	}
	return s, nil
}

func newArtifactPush(a *cli.App) *cobra.Command {
	var access artifactFlags
	var pack packFlags
	var origin, revision string
	var annotations, mountFrom []string
	var reproducible bool
	cmd := &cobra.Command{
		Use:   "push oci://HOST/REPOSITORY[:TAG]",
		Short: "Push a folder or a file as an artifact",
		Long: `Packs the content of --path as Flux does, and pushes it. Same content, same digest:
owners, times and the umask don't count, and the artifact's own time is that of the
commit that --revision names or that is checked out, or SOURCE_DATE_EPOCH. What the
registry has already isn't sent. Without a tag it is latest.`,
		Example: `  pinsetter artifact push oci://ghcr.io/org/manifests/app:$(git rev-parse --short HEAD) \
    --path=./kustomize \
    --source="$(git config --get remote.origin.url)" \
    --revision="$(git branch --show-current)@sha1:$(git rev-parse HEAD)"
  cosign sign "$(pinsetter artifact push ... -o json | jq -r '.repository + "@" + .digest')"`,
		Args: artifactURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if origin == "" || revision == "" {
				return cli.Usage(`--source and --revision are required, such as --source="$(git config --get remote.origin.url)" --revision="$(git branch --show-current)@sha1:$(git rev-parse HEAD)"`)
			}
			to, r, err := access.open(a, args[0], func(access *registry.Access) { access.Write, access.MountFrom = true, mountFrom })
			if err != nil {
				return err
			}
			if r.Digest != "" {
				return cli.Usage("%s: an artifact is pushed to a tag, its digest follows from its content", args[0])
			}
			from, err := pack.source(a)
			if err != nil {
				return err
			}
			metadata := artifact.Metadata{Source: artifact.PublicSource(origin), Revision: revision}
			if metadata.Annotations, err = parseAnnotations(annotations); err != nil {
				return err
			}
			if metadata.Created, err = createdOf(a, pack.path, revision, reproducible); err != nil {
				return err
			}
			return pushPacked(a, cmd, to, r, from, metadata)
		},
	}
	access.add(cmd)
	pack.add(cmd)
	cmd.Flags().StringVar(&origin, "source", "", "where the content comes from, such as the URL of the Git repository; a user and password in it are left out")
	cmd.Flags().StringVar(&revision, "revision", "", "the revision of the source, such as main@sha1:<commit>")
	cmd.Flags().StringArrayVarP(&annotations, "annotations", "a", nil, "a further annotation, `KEY=VALUE` (repeatable)")
	cmd.Flags().StringArrayVar(&mountFrom, "mount-from", nil, "a `REPOSITORY` of the same registry whose content may be mounted instead of sent, such as org/staging (repeatable)")
	cmd.Flags().BoolVar(&reproducible, "reproducible", false, "the artifact's time is 1970-01-01 in UTC")
	return cmd
}

// pushPacked packs and pushes, and prints what was pushed.
func pushPacked(a *cli.App, cmd *cobra.Command, to *registry.Repository, r artifact.Reference, from artifact.Source, metadata artifact.Metadata) error {
	a.Progress.Show("packing " + from.Path)
	layer, err := artifact.Pack(cmd.Context(), from)
	if errors.Is(err, artifact.ErrChart) {
		return cli.Usage("%w", err)
	}
	if err != nil {
		return cli.Finish(err)
	}
	defer layer.Close()
	if len(layer.Left) > 0 {
		a.Say("note", fmt.Sprintf("left out, since only files are packed: %s", list(layer.Left)))
	}
	moves := showMoves(a, "pushing "+r.String())
	done, err := artifact.Push(cmd.Context(), to, r.Tag, layer, metadata, func(sent int64) { moves(sent, layer.Size) })
	a.Progress.Done()
	if err != nil {
		return cli.Finish(err)
	}
	return a.Print(done, func(w io.Writer, p cli.Painter) error {
		_, err := fmt.Fprintf(w, "%s %s:%s, %s, %s\n%s\n", p.Paint(cli.Green, "pushed"), cli.Printable(done.Repository), done.Tag,
			pinsetter.Count(layer.Files, "file"), layerWords(done.Layer, layer.Size), done.URL)
		return err
	})
}

// layerWords says how the content came to the registry.
func layerWords(how registry.Sent, size int64) string {
	switch how {
	case registry.SentNothing:
		return "nothing sent: the registry had it"
	case registry.SentMount:
		return "mounted from another repository"
	}
	return bytesOf(size) + " sent"
}

// bytesOf returns a size for people.
func bytesOf(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < mib:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}

// list returns names for people: the first ten.
func list(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// parseAnnotations reads annotations, whose values may hold "=".
func parseAnnotations(all []string) (map[string]string, error) {
	found := map[string]string{}
	for _, one := range all {
		key, value, ok := strings.Cut(one, "=")
		if !ok || key == "" {
			return nil, cli.Usage("--annotations %q: write KEY=VALUE", one)
		}
		found[key] = value
	}
	return found, nil
}

// createdOf returns the time that an artifact of a path gets: no clock, so that the same
// content has the same digest tomorrow.
func createdOf(a *cli.App, path, revision string, reproducible bool) (time.Time, error) {
	if reproducible {
		return artifact.Epoch, nil
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		at, ok := artifact.ParseEpoch(text)
		if !ok {
			return at, cli.Usage("SOURCE_DATE_EPOCH=%q in the environment is no count of seconds since 1970", text)
		}
		return at, nil
	}
	at, err := commitTime(path, revision)
	if err != nil {
		a.Say("note", fmt.Sprintf("the artifact's time is 1970-01-01, since there is no commit to take it from (%v); SOURCE_DATE_EPOCH sets it", err))
		return artifact.Epoch, nil
	}
	return at, nil
}

// commitTime returns the time of the commit that a revision names, or that is checked
// out where a path is.
func commitTime(path, revision string) (time.Time, error) {
	dir := path
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		dir = filepath.Dir(path)
	}
	tree, err := cli.FindWorkTree(dir)
	switch {
	case err != nil:
		return time.Time{}, err
	case tree.Root == "":
		return time.Time{}, fmt.Errorf("%s is in no Git work tree", dir)
	}
	return gitops.CommitTime(tree.GitDir, tree.Common, revision)
}
