package artifact_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

var created = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func metadata() artifact.Metadata {
	return artifact.Metadata{Source: "https://git.example/org/app", Revision: "main@sha1:abc", Created: created}
}

// tree writes files below a new folder; those that end in .sh may be executed.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path, mode := filepath.Join(dir, name), os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o755
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	// The modes that a checkout has under the umask 022.
	for _, folder := range []string{dir} {
		_ = filepath.WalkDir(folder, func(path string, entry os.DirEntry, _ error) error {
			if entry.IsDir() {
				return os.Chmod(path, 0o755)
			}
			return nil
		})
	}
	return dir
}

// content has what artifacts have, and what is left out of them.
var content = map[string]string{
	"deploy.yaml": "kind: Deployment\n", "base/kustomization.yaml": "resources: []\n", "run.sh": "#!/bin/sh\n",
	".sourceignore": "/base/\n", ".gitignore": "x\n", ".git/HEAD": "ref: refs/heads/main\n", ".github/ci.yaml": "a: 1\n",
	"docs/logo.png": "png", "empty.yaml": "", strings.Repeat("long/", 25) + "name.yaml": "a: 1\n", "ümlaut.yaml": "ü: 1\n",
}

func folder(dir string) artifact.Source {
	return artifact.Source{Path: dir, Ignore: artifact.DefaultIgnore(), LayerType: artifact.LayerTarball}
}

func repository(t *testing.T, image string, o registry.Access) *registry.Repository {
	t.Helper()
	o.Write = true
	found, err := registry.New(registry.Options{Anonymous: true}).Repository(image, o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func pack(t *testing.T, s artifact.Source) *artifact.Layer {
	t.Helper()
	layer, err := artifact.Pack(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(layer.Close)
	return layer
}

func push(t *testing.T, to *registry.Repository, tag string, s artifact.Source) artifact.Pushed {
	t.Helper()
	done, err := artifact.Push(t.Context(), to, tag, pack(t, s), metadata(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// pull returns the files of an artifact.
func pull(t *testing.T, from *registry.Repository, r artifact.Reference) map[string]string {
	t.Helper()
	opened, err := artifact.Open(t.Context(), from, r)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := opened.Unpack(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return files(t, dir)
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFluxIsTheJudge pushes the same content by Flux's packages: the digests are
// equal, its diff finds none, and each reads what the other pushed.
func TestFluxIsTheJudge(t *testing.T) {
	flux := parts.Need(t, "flux-artifact")
	server := parts.NewDistribution(t, parts.DistributionOptions{})
	dir := tree(t, content)
	for name, test := range map[string]struct {
		source artifact.Source
		flags  []string
	}{
		"folder": {folder(dir), nil},
		"exceptions": {artifact.Source{Path: dir, Ignore: []string{"/*", "!/base", "# comment", "!long/**/name.yaml", "*.sh"}, LayerType: artifact.LayerTarball},
			[]string{"--ignore-paths", "/*,!/base,# comment,!long/**/name.yaml,*.sh"}},
		"one file": {folder(filepath.Join(dir, "deploy.yaml")), nil},
		"static":   {artifact.Source{Path: filepath.Join(dir, "deploy.yaml"), LayerType: artifact.LayerStatic}, []string{"--layer-type", "static"}},
	} {
		t.Run(name, func(t *testing.T) {
			image := "org/" + strings.ReplaceAll(name, " ", "-")
			run := func(verb, tag string, flags ...string) string {
				out, err := exec.Command(flux, append([]string{verb, "oci://" + server.Image(image) + tag}, flags...)...).CombinedOutput()
				if err != nil {
					t.Errorf("flux %s: %v: %s", verb, err, out)
				}
				return strings.Trim(strings.TrimSpace(string(out)), `"`)
			}
			at := func(more ...string) []string {
				return append([]string{"--path", test.source.Path}, append(more, test.flags...)...)
			}
			theirs := run("push", ":theirs", at("--source", "https://git.example/org/app", "--revision", "main@sha1:abc", "--created", created.Format(time.RFC3339))...)
			to := repository(t, server.Image(image), registry.Access{})
			ours := push(t, to, "ours", test.source)
			if "oci://"+theirs != ours.URL {
				t.Errorf("Flux pushes %s, and we %s", theirs, ours.URL)
			}
			if name != "static" { // which Flux's diff always finds different
				run("diff", ":ours", at()...)
			}
			out := filepath.Join(t.TempDir(), "out")
			if name != "static" {
				out = t.TempDir()
			}
			run("pull", ":ours", "--output", out)
			want := pull(t, to, artifact.Reference{Repository: server.Image(image), Tag: "theirs"})
			if name == "static" {
				data, _ := os.ReadFile(out)
				if want["static"] != string(data) {
					t.Errorf("we pull %v, and Flux %q", want, data)
				}
			} else if diff := cmp.Diff(want, files(t, out)); diff != "" {
				t.Errorf("we pull what Flux doesn't (-we +Flux):\n%s", diff)
			}
			var listed []map[string]any
			if err := json.Unmarshal([]byte(run("list", "")), &listed); err != nil || len(listed) != 2 {
				t.Errorf("Flux lists %v, %v", listed, err)
			}
		})
	}
}

// TestSameContentSameDigest: neither times nor the umask of a checkout count.
func TestSameContentSameDigest(t *testing.T) {
	a, b := tree(t, content), tree(t, content)
	err := filepath.WalkDir(b, func(path string, entry os.DirEntry, _ error) error {
		info, err := entry.Info()
		return errors.Join(err, os.Chmod(path, info.Mode().Perm()&0o700), os.Chtimes(path, time.Time{}, created))
	})
	if err != nil {
		t.Fatal(err)
	}
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	to := repository(t, server.Image("org/app"), registry.Access{})
	first, again := push(t, to, "a", folder(a)), push(t, to, "b", folder(b))
	if first.Digest != again.Digest {
		t.Errorf("the digests are %s and %s", first.Digest, again.Digest)
	}
	if first.Layer != registry.SentBytes || again.Layer != registry.SentNothing {
		t.Errorf("the content was %q, then %q", first.Layer, again.Layer)
	}
	writes := server.Log.Count("POST", "") + server.Log.Count("PUT", "")
	if push(t, to, "b", folder(b)); server.Log.Count("POST", "")+server.Log.Count("PUT", "") != writes {
		t.Error("a push of what the tag names already writes")
	}
}

func TestPushAndPull(t *testing.T) {
	dir := tree(t, content)
	if err := errors.Join(os.Symlink("/etc/passwd", filepath.Join(dir, "link.yaml")), os.Symlink("base", filepath.Join(dir, "folder"))); err != nil {
		t.Fatal(err)
	}
	layer := pack(t, folder(dir))
	if diff := cmp.Diff([]string{"folder", "link.yaml"}, layer.Left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	for name, image := range map[string]string{
		"in process":       parts.NewRegistry(t, parts.RegistryOptions{}).Image("org/app"),
		"distribution 3":   parts.NewDistribution(t, parts.DistributionOptions{}).Image("org/app"),
		"distribution 2.8": parts.NewDistribution(t, parts.DistributionOptions{Program: "docker-registry"}).Image("org/app"),
	} {
		t.Run(name, func(t *testing.T) {
			to := repository(t, image, registry.Access{})
			done := push(t, to, "1.0.0", folder(dir))
			want := map[string]string{}
			for path, text := range content {
				if !strings.HasPrefix(path, ".git/") && path != ".gitignore" && path != "docs/logo.png" {
					want[path] = text
				}
			}
			if diff := cmp.Diff(want, pull(t, to, artifact.Reference{Repository: image, Digest: done.Digest})); diff != "" {
				t.Errorf("pulled (-want +got):\n%s", diff)
			}
			if digest, err := artifact.Tag(t.Context(), to, artifact.Reference{Repository: image, Tag: "1.0.0"}, []string{"latest", "1.0"}); err != nil || digest != done.Digest {
				t.Errorf("tag: %s, %v", digest, err)
			}
			listed, err := artifact.List(t.Context(), to, artifact.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			wanted := []artifact.Listed{{
				Artifact: "oci://" + image + ":1.0.0", Digest: done.Digest, Revision: "main@sha1:abc", Source: "https://git.example/org/app",
				Created: "2024-01-02T03:04:05Z", Tags: []string{"1.0.0", "latest", "1.0"},
			}}
			if diff := cmp.Diff(wanted, listed); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnpackReplacesFilesAndKeepsToItsFolder(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	to := repository(t, server.Image("org/app"), registry.Access{})
	push(t, to, "1", folder(tree(t, map[string]string{"a.yaml": "new", "sub/b.yaml": "new", "run.sh": "new"})))
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	if err := errors.Join(os.WriteFile(outside, []byte("old"), 0o600), os.Symlink(outside, filepath.Join(dir, "a.yaml")), os.WriteFile(filepath.Join(dir, "stays"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	opened, err := artifact.Open(t.Context(), to, artifact.Reference{Repository: to.Name(), Tag: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Unpack(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a.yaml": "new", "sub/b.yaml": "new", "run.sh": "new", "stays": ""}, files(t, dir)); diff != "" {
		t.Errorf("in the folder (-want +got):\n%s", diff)
	}
	if data, _ := os.ReadFile(outside); string(data) != "old" {
		t.Errorf("a link led out of the folder: %q is there", data)
	}
	if info, err := os.Stat(filepath.Join(dir, "run.sh")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("run.sh is %v, %v", info.Mode(), err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "sub")), os.Symlink(filepath.Dir(outside), filepath.Join(dir, "sub"))); err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Unpack(t.Context(), dir); err == nil {
		t.Error("a folder that is a link to elsewhere is written to")
	}
}

func TestWhatIsNotPacked(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := tree(t, map[string]string{"a.png": "x", "chart/Chart.yaml": "name: x\n", "chart/templates/a.yaml": "a: 1\n"})
	for name, test := range map[string]struct {
		source artifact.Source
		want   string
	}{
		"a chart":          {folder(filepath.Join(dir, "chart")), "helm push"},
		"nothing":          {artifact.Source{Path: dir, Ignore: []string{"*"}, LayerType: artifact.LayerTarball}, "has no file that isn't left out"},
		"no such path":     {folder(filepath.Join(dir, "none")), "no such file"},
		"a static folder":  {artifact.Source{Path: dir, LayerType: artifact.LayerStatic}, "is one file"},
		"an unknown layer": {artifact.Source{Path: dir, LayerType: "zip"}, "neither tarball nor static"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := artifact.Pack(t.Context(), test.source); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want %q", err, test.want)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "pinsetter-artifact-*")); len(left) > 0 {
		t.Errorf("%v stay", left)
	}
}

func TestListFiltersAndOrders(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	image := server.Image("org/app")
	for i, tag := range []string{"1.9.0", "1.10.0", "2.0.0-rc.1", "main-1", "latest", "v1.2.0"} {
		server.PushArtifact("org/app", tag, "main@sha1:"+strings.Repeat("0", 40), map[string]string{"a": strings.Repeat("x", i)})
	}
	signed := server.PushSame("org/app", "sha256-"+strings.Repeat("0", 64)+".sig")
	in := repository(t, image, registry.Access{})
	for name, test := range map[string]struct {
		filter artifact.Filter
		want   []string
	}{
		"all":      {artifact.Filter{}, []string{"2.0.0-rc.1", "1.10.0", "1.9.0", "v1.2.0", "main-1", "latest"}},
		"versions": {artifact.Filter{SemVer: ">=1.3.0"}, []string{"1.10.0", "1.9.0"}},
		"pattern":  {artifact.Filter{Regex: regexp.MustCompile("^(main|v)")}, []string{"v1.2.0", "main-1"}},
		"none":     {artifact.Filter{SemVer: ">=9"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := artifact.List(t.Context(), in, test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, one := range found {
				got = append(got, one.Tags...)
				if one.Digest == signed {
					t.Error("a signature is listed")
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("listed %v; want %v", got, test.want)
			}
		})
	}
	if _, err := artifact.List(t.Context(), in, artifact.Filter{SemVer: "newest"}); err == nil {
		t.Error("a range that is none passes")
	}
}

func TestDiff(t *testing.T) {
	before := map[string]string{"same.yaml": "a: 1\n", "changed.yaml": "a: 1\n", "gone.yaml": "a: 1\n", "mode.sh": "x", "secret.yaml": "kind: Secret\na: 1\n", "large": strings.Repeat("x", 2<<20)}
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	to := repository(t, server.Image("org/app"), registry.Access{})
	done := push(t, to, "1", folder(tree(t, before)))
	after := tree(t, before)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(after, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	diff := func() []artifact.Difference {
		opened, err := artifact.Open(t.Context(), to, artifact.Reference{Repository: to.Name(), Digest: done.Digest})
		if err != nil {
			t.Fatal(err)
		}
		found, err := artifact.Diff(t.Context(), opened, folder(after))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := diff(); len(got) != 0 {
		t.Errorf("without a change: %v", got)
	}
	if err := errors.Join(os.Remove(filepath.Join(after, "gone.yaml")), os.Chmod(filepath.Join(after, "mode.sh"), 0o644)); err != nil {
		t.Fatal(err)
	}
	write("changed.yaml", "a: 2\n")
	write("new.yaml", "a: 1\n")
	write("secret.yaml", "kind: Secret\na: 2\n")
	write("large", strings.Repeat("x", 2<<20-1)+"y")
	want := []artifact.Difference{
		{Path: "changed.yaml", Change: artifact.Changed, Old: []byte("a: 1\n"), New: []byte("a: 2\n")},
		{Path: "gone.yaml", Change: artifact.Removed, Old: []byte("a: 1\n")},
		{Path: "large", Change: artifact.Changed, Hidden: "has more than 1 MiB, which isn't shown"},
		{Path: "mode.sh", Change: artifact.Mode, Old: []byte("x"), New: []byte("x")},
		{Path: "new.yaml", Change: artifact.Added, New: []byte("a: 1\n")},
		{Path: "secret.yaml", Change: artifact.Changed, Hidden: "holds a Secret, which isn't shown"},
	}
	if diff := cmp.Diff(want, diff()); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestInspect(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	plain := parts.NewDistribution(t, parts.DistributionOptions{})
	signer := parts.NewSigner(t)
	for name, shelf := range map[string]*parts.Shelf{"with referrers": &server.Shelf, "without": &plain.Shelf} {
		t.Run(name, func(t *testing.T) {
			digest := shelf.PushArtifact("org/app", "artifact", "main@sha1:0", map[string]string{"a": "1"})
			shelf.PushChart("org/app", "1.0.0")
			shelf.PushIndex("org/app", "index", "linux/amd64", "linux/arm/v7")
			shelf.Push("org/app", "image")
			shelf.Sign("org/app", digest, signer)
			shelf.SignLegacy("org/app", digest, signer, 1)
			in := repository(t, shelf.Image("org/app"), registry.Access{})
			for tag, kind := range map[string]string{"artifact": "artifact", "1.0.0": "chart", "index": "index", "image": "image"} {
				found, err := artifact.Inspect(t.Context(), in, artifact.Reference{Repository: in.Name(), Tag: tag})
				if err != nil || found.Kind != kind {
					t.Fatalf("%s is %+v, %v", tag, found, err)
				}
				switch tag {
				case "artifact":
					var how []string
					for _, one := range found.Referrers {
						how = append(how, one.String())
					}
					if !slices.Equal(how, []string{"signature of cosign", "signature of cosign"}) {
						t.Errorf("referrers are %v", found.Referrers)
					}
				case "index":
					if !slices.Equal(found.Platforms, []string{"linux/amd64", "linux/arm/v7"}) || len(found.Manifests) != 2 {
						t.Errorf("the index is %+v", found)
					}
				}
			}
			_, err := artifact.Open(t.Context(), in, artifact.Reference{Repository: in.Name(), Tag: "index"})
			if err == nil || !strings.Contains(err.Error(), "is an index of 2 manifests") {
				t.Errorf("an index is pulled: %v", err)
			}
			if _, err := artifact.Tag(t.Context(), in, artifact.Reference{Repository: in.Name(), Tag: "index"}, []string{"copy"}); err != nil || shelf.Digest("org/app", "copy") != shelf.Digest("org/app", "index") {
				t.Errorf("an index can't be tagged: %v", err)
			}
		})
	}
}

func TestStandardInput(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	to := repository(t, server.Image("org/app"), registry.Access{})
	push(t, to, "1", artifact.Source{Bytes: []byte("a: 1\n"), LayerType: artifact.LayerTarball})
	if diff := cmp.Diff(map[string]string{"manifests.yaml": "a: 1\n"}, pull(t, to, artifact.Reference{Repository: to.Name(), Tag: "1"})); diff != "" {
		t.Errorf("pulled (-want +got):\n%s", diff)
	}
}

func TestReferences(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for url, want := range map[string]string{
		"oci://ghcr.io/org/app":                        "oci://ghcr.io/org/app:latest",
		"oci://ghcr.io/org/app:1.0":                    "oci://ghcr.io/org/app:1.0",
		"oci://localhost:5000/app":                     "oci://localhost:5000/app:latest",
		"oci://ghcr.io/org/app@" + digest:              "oci://ghcr.io/org/app@" + digest,
		"oci://ghcr.io/org/app:1@" + digest:            "oci://ghcr.io/org/app:1@" + digest,
		"ghcr.io/org/app":                              "",
		"oci://":                                       "",
		"oci://ghcr.io/org/app:!":                      "",
		"oci://user:hunter2@ghcr.io/org/app:1":         "",
		"https://user:hunter2@ghcr.io/org/app:1":       "",
		"user:hunter2@ghcr.io/org/app:1":               "",
		"oci://ghcr.io/org/app@sha512:" + digest[7:20]: "",
	} {
		r, err := artifact.ParseReference(url)
		if got := r.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%s is %s, %v; want %q", url, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has the password: %v", err)
		}
	}
}

func TestPublicSource(t *testing.T) {
	for source, want := range map[string]string{
		"https://github.com/org/app.git":                    "https://github.com/org/app.git",
		"https://x-access-token:hunter2@github.com/org/app": "https://github.com/org/app",
		"https://hunter2@github.com/org/app":                "https://github.com/org/app",
		"ssh://git:hunter2@github.com/org/app":              "ssh://git@github.com/org/app",
		"git@github.com:org/app.git":                        "git@github.com:org/app.git",
		"https://u:hunter2%@github.com/org/app":             "https://github.com/org/app",
		"main":                                              "main",
	} {
		if got := artifact.PublicSource(source); got != want {
			t.Errorf("%s becomes %s; want %s", source, got, want)
		}
	}
}

// TestPushWhereLookingIsDenied: some registries answer 403 for a repository that the
// first push makes.
func TestPushWhereLookingIsDenied(t *testing.T) {
	var there atomic.Bool
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			isManifest := strings.Contains(r.URL.Path, "/manifests/")
			if isManifest && r.Method != http.MethodPut && !there.Load() {
				http.Error(w, `{"errors":[{"code":"DENIED"}]}`, http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
			if isManifest {
				there.Store(true)
			}
		})
	}}})
	to := repository(t, server.Image("org/app"), registry.Access{})
	push(t, to, "1", folder(tree(t, map[string]string{"a.yaml": "a: 1\n"})))
	if got := pull(t, to, artifact.Reference{Repository: to.Name(), Tag: "1"}); got["a.yaml"] != "a: 1\n" {
		t.Errorf("pulled %v", got)
	}
}

// TestGiteaKeepsArtifacts: its registry has tokens, and no referrers API.
func TestGiteaKeepsArtifacts(t *testing.T) {
	gitea := parts.NewGitea(t)
	login := `{"auths":{"` + gitea.Addr + `":{"username":"` + gitea.User + `","password":"` + gitea.Token + `"}}}`
	image := gitea.Image(gitea.User + "/app")
	to := repository(t, image, registry.Access{DockerConfigs: []pinsetter.Secret{pinsetter.NewSecret("login", login)}})
	done := push(t, to, "v1", folder(tree(t, map[string]string{"a.yaml": "a: 1\n"})))
	if again := push(t, to, "v2", folder(tree(t, map[string]string{"a.yaml": "a: 1\n"}))); again.Digest != done.Digest || again.Layer != registry.SentNothing {
		t.Errorf("pushed again: %+v", again)
	}
	if got := pull(t, to, artifact.Reference{Repository: image, Tag: "v1"}); got["a.yaml"] != "a: 1\n" {
		t.Errorf("pulled %v", got)
	}
	listed, err := artifact.List(t.Context(), to, artifact.Filter{})
	if err != nil || len(listed) != 1 || len(listed[0].Tags) != 2 {
		t.Errorf("listed %v, %v", listed, err)
	}
	if found, err := artifact.Inspect(t.Context(), to, artifact.Reference{Repository: image, Tag: "v1"}); err != nil || found.Kind != "artifact" {
		t.Errorf("it is %+v, %v", found, err)
	}
}

// TestDiffOfOneFile: a file is compared with what was made of it, in a tar or not.
func TestDiffOfOneFile(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	path := filepath.Join(tree(t, map[string]string{"a.yaml": "a: 1\n"}), "a.yaml")
	for _, layerType := range []string{artifact.LayerTarball, artifact.LayerStatic} {
		for _, stdin := range []bool{false, true} {
			s := artifact.Source{Path: path, LayerType: layerType}
			if stdin {
				s = artifact.Source{Path: "-", Bytes: []byte("a: 1\n"), LayerType: layerType}
			}
			to := repository(t, server.Image("org/"+layerType), registry.Access{})
			push(t, to, "1", s)
			for text, want := range map[string]int{"a: 1\n": 0, "a: 2\n": 1} {
				changed := s
				if stdin {
					changed.Bytes = []byte(text)
				} else {
					changed.Path = filepath.Join(tree(t, map[string]string{"a.yaml": text}), "a.yaml")
				}
				opened, err := artifact.Open(t.Context(), to, artifact.Reference{Repository: to.Name(), Tag: "1"})
				if err != nil {
					t.Fatal(err)
				}
				found, err := artifact.Diff(t.Context(), opened, changed)
				if err != nil || len(found) != want || want == 1 && (found[0].Change != artifact.Changed || string(found[0].New) != text) {
					t.Errorf("%s, standard input %t: %q differs by %+v, %v", layerType, stdin, text, found, err)
				}
			}
		}
	}
}
