package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/source"
)

// gitSourceTimeout bounds reading objects from a Git repository. It is the
// default timeout of a GitRepository.
const gitSourceTimeout = time.Minute

// gitSource is a folder of a Git repository, as named by -f.
type gitSource struct {
	url    string
	folder string // from the root; "." is the root
	ref    string // branch; "": the server's HEAD
}

// parseGitSource parses "git+https://HOST/REPO//FOLDER?ref=BRANCH", also with
// git+http, git+ssh and git+file.
func parseGitSource(name string) (gitSource, error) {
	u, err := url.Parse(strings.TrimPrefix(name, "git+"))
	shown := WithoutUser(name)
	if err != nil {
		return gitSource{}, fmt.Errorf("-f %q: not a URL: write git+https://HOST/REPO//FOLDER?ref=BRANCH", shown)
	}
	switch u.Scheme {
	case "https", "http", "ssh", "file":
	default:
		return gitSource{}, fmt.Errorf("-f %q: the scheme is none of git+https, git+http, git+ssh and git+file", shown)
	}
	query := u.Query()
	ref := query.Get("ref")
	query.Del("ref")
	if len(query) > 0 || u.Fragment != "" {
		return gitSource{}, fmt.Errorf("-f %q: only ?ref=BRANCH may follow the folder", shown)
	}
	repo, folder, _ := strings.Cut(u.Path, "//")
	u.Path, u.RawPath, u.RawQuery = repo, "", ""
	return gitSource{url: u.String(), folder: path.Join(".", path.Clean("/" + folder)[1:]), ref: ref}, nil
}

// readGit returns the files of a folder of a Git repository that may hold
// objects.
func (r *Reader) readGit(ctx context.Context, name string, mayHold func([]byte) bool) ([]source.File, []source.Unread) {
	named, snapshot, err := r.fetch(ctx, name)
	if err != nil {
		return nil, []source.Unread{{Path: WithoutUser(name), Err: err}}
	}
	g := &gitReader{name: WithoutUser(name), root: named.folder, at: "git+" + WithoutUser(named.url) + "//", mayHold: mayHold, snapshot: snapshot, entered: map[string]bool{}}
	g.folder(ctx, named.folder, named.folder)
	if g.bytes > source.MaxBytes {
		return nil, []source.Unread{{Path: g.name, Err: source.ErrTooMuch}}
	}
	return g.files, g.unread
}

// fetch fetches the repository that a source names.
func (r *Reader) fetch(ctx context.Context, name string) (gitSource, *gitops.Snapshot, error) {
	named, err := parseGitSource(name)
	if err != nil {
		return gitSource{}, nil, err
	}
	r.Progress("fetching " + named.url)
	remote, err := gitops.Open(&fleet.GitSource{URL: named.url, Timeout: gitSourceTimeout}, r.Git)
	if err != nil {
		return gitSource{}, nil, err
	}
	ref := fleet.GitRef{Branch: named.ref}
	if named.ref == "" {
		ref.Name = "HEAD"
	}
	fetched, err := remote.Fetch(ctx, ref)
	if err != nil {
		return gitSource{}, nil, err
	}
	named.url = remote.String()
	return named, fetched.Base, nil
}

// gitReader reads objects from a commit, as source.ReadPath does from a disk.
type gitReader struct {
	name     string // of the source
	root     string // the folder to read
	at       string // prefix of paths in messages
	mayHold  func([]byte) bool
	snapshot *gitops.Snapshot
	bytes    int             // of files
	entered  map[string]bool // folders entered by links
	files    []source.File
	unread   []source.Unread
}

// folder reads the files of a folder, under the paths of the folder as.
func (r *gitReader) folder(ctx context.Context, folder, as string) {
	renamed := func(name string) string { return path.Join(as, strings.TrimPrefix(name, folder)) }
	if folder == "." {
		renamed = func(name string) string { return path.Join(as, name) }
	}
	isObject := func(name string) bool { return source.IsObjects(name) || name == folder }
	for file, err := range r.snapshot.Files(ctx, folder, isObject) {
		switch {
		case err != nil && file.Path == "":
			r.unread = append(r.unread, source.Unread{Path: r.name, Err: err})
		case err != nil:
			r.lose(renamed(file.Path), err.Error(), "")
		default:
			r.add(renamed(file.Path), file.Data)
		}
	}
	links, err := r.snapshot.Links(ctx, folder)
	if err != nil {
		r.lose(as, err.Error(), "")
	}
	for _, link := range links {
		r.link(ctx, folder, link, renamed(link.Path))
	}
}

// link reads the target of a link in the same commit, unless it is read anyway.
func (r *gitReader) link(ctx context.Context, folder string, link gitops.Link, as string) {
	switch name := path.Base(link.Path); {
	case link.Submodule:
		r.lose(as, "is a submodule, which is not read", "a folder without it is named, or the submodule's repository as well")
	case strings.HasPrefix(name, ".#"): // an editor's lock
	case link.Err != nil:
		r.lose(as, "is a symbolic link that can't be followed: "+link.Err.Error(), "it leads to something in the repository, or is gone")
	case !link.Folder && source.IsObjects(name):
		data, found, err := r.snapshot.Read(ctx, link.Target)
		if err != nil || !found {
			r.lose(as, fmt.Sprintf("is a symbolic link to %s, which can't be read: %v", link.Target, err), "")
			return
		}
		r.add(as, data)
	case link.Folder && !within(link.Target, r.root) && !within(link.Target, folder) && !r.entered[link.Target]:
		r.entered[link.Target] = true
		r.folder(ctx, link.Target, as)
	}
}

// within reports whether a path is in a folder.
func within(name, folder string) bool {
	return folder == "." || name == folder || strings.HasPrefix(name, folder+"/")
}

// add adds a file that may hold an object. Those over the bound only count.
func (r *gitReader) add(name string, data []byte) {
	if !source.Screen(data, r.mayHold) {
		return
	}
	if r.bytes += len(data); r.bytes > source.MaxBytes {
		return
	}
	r.files = append(r.files, source.File{Path: r.at + name, Source: r.name, Data: data})
}

func (r *gitReader) lose(name, why, until string) {
	r.unread = append(r.unread, source.Unread{Path: r.at + name, Err: errors.New(why), Until: until})
}
