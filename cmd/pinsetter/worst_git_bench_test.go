package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// tiny is a pack of so many files in four directories, with the text that a number
// makes.
func tiny(b *testing.B, files int, name string, text func(i int) string) parts.RawGit {
	const directories = 4
	p := parts.NewPack(b, files+directories+2)
	var root []byte
	for d := range directories {
		var tree bytes.Buffer
		for i := range files / directories {
			tree.Write(parts.TreeLine("100644", fmt.Sprintf(name, i), p.Add(parts.PackBlob, nil, []byte(text(i*directories+d)))))
		}
		root = append(root, parts.TreeLine("40000", fmt.Sprint(d), p.Add(parts.PackTree, nil, tree.Bytes()))...)
	}
	return p.Commit(p.Add(parts.PackTree, nil, root))
}

// BenchmarkWorstGit is a run over two repositories, as a whole process: the server of
// one sends what takes the most memory, and the other has something to change, which
// is done. The metric x-memory is as that of BenchmarkWorst.
//
//   - files, marked: as many tiny files as a pack may have, without and with markers;
//   - findings, large, markers: marked files that are too many, too large, or have too
//     many markers, together;
//   - commit, tag: one of 300 MB;
//   - tree: a directory of six million files; wide: the largest that are read;
//   - shared: 100 directories that stand for 10^99 files;
//   - deltas: changes to objects that never come;
//   - refs, refs-v0, refs-ssh: 900,000 branches, in version 2 of the protocol, in version
//     0, and in that over ssh.
func BenchmarkWorstGit(b *testing.B) {
	program := binary(b)
	for _, row := range []struct {
		name string
		make func(b *testing.B) parts.RawGit
	}{
		{"files", func(b *testing.B) parts.RawGit {
			return tiny(b, 490_000, "%x", func(i int) string { return fmt.Sprintf("%x", i) })
		}},
		{"marked", func(b *testing.B) parts.RawGit {
			return tiny(b, 490_000, "%x.yaml", func(i int) string { return fmt.Sprintf("%x #$imagepolicy", i) })
		}},
		{"findings", func(b *testing.B) parts.RawGit {
			return tiny(b, 40_000, "%x.yaml", func(i int) string { return fmt.Sprintf("a: x:%x # {\"$imagepolicy\": \"default:none\"}\n", i) })
		}},
		{"large", func(b *testing.B) parts.RawGit {
			text := "image: x # {\"$imagepolicy\": \"default:app\"}\nb: " + strings.Repeat("x", 3<<20)
			return tiny(b, 100, "%x.yaml", func(i int) string { return fmt.Sprint("# ", i, "\n", text) })
		}},
		{"markers", func(b *testing.B) parts.RawGit {
			text := strings.Repeat("a: b # {\"$imagepolicy\": \"default:app\"}\n---\n", 300_000)
			return tiny(b, 4, "%x.yaml", func(i int) string { return fmt.Sprint("# ", i, "\n", text) })
		}},
		{"commit", func(b *testing.B) parts.RawGit {
			p := parts.NewPack(b, 1)
			return parts.RawGit{Head: p.Huge(parts.PackCommit, 300<<20, "tree 0000000000000000000000000000000000000000\n"), Pack: p.End()}
		}},
		{"tag", func(b *testing.B) parts.RawGit {
			p := parts.NewPack(b, 1)
			return parts.RawGit{Head: p.Huge(parts.PackTag, 300<<20, "object 0000000000000000000000000000000000000000\n"), Pack: p.End()}
		}},
		{"tree", func(b *testing.B) parts.RawGit {
			p := parts.NewPack(b, 3)
			file := p.Add(parts.PackBlob, nil, []byte("x"))
			var tree bytes.Buffer
			for i := range 6_000_000 {
				tree.Write(parts.TreeLine("100644", fmt.Sprintf("%x", i), file))
			}
			return p.Commit(p.Add(parts.PackTree, nil, tree.Bytes()))
		}},
		{"wide", func(b *testing.B) parts.RawGit { // the largest directories that are read
			p := parts.NewPack(b, 6)
			file := p.Add(parts.PackBlob, nil, []byte("x"))
			var root []byte
			for d := range 3 {
				var tree bytes.Buffer
				for i := range 15 << 20 / 39 {
					tree.Write(parts.TreeLine("100644", fmt.Sprintf("%d%05x.yaml", d, i), file))
				}
				root = append(root, parts.TreeLine("40000", fmt.Sprint(d), p.Add(parts.PackTree, nil, tree.Bytes()))...)
			}
			return p.Commit(p.Add(parts.PackTree, nil, root))
		}},
		{"shared", func(b *testing.B) parts.RawGit {
			p := parts.NewPack(b, 102)
			tree := parts.TreeLine("100644", "f.yaml", p.Add(parts.PackBlob, nil, []byte("a: b")))
			for range 99 {
				sub := p.Add(parts.PackTree, nil, tree)
				tree = nil
				for i := range 10 {
					tree = append(tree, parts.TreeLine("40000", fmt.Sprint(i), sub)...)
				}
			}
			return p.Commit(p.Add(parts.PackTree, nil, tree))
		}},
		{"deltas", func(b *testing.B) parts.RawGit { // of bases that never come
			p := parts.NewPack(b, 490_000)
			for i := range 490_000 {
				base := sha1.Sum(fmt.Append(nil, i))
				p.Add(parts.PackDelta, base[:], []byte{5, 1, 1, 'x'})
			}
			return parts.RawGit{Head: bytes.Repeat([]byte{1}, 20), Pack: p.End()}
		}},
		{"refs", refs},
		{"refs-v0", func(b *testing.B) parts.RawGit {
			h := refs(b)
			h.V0 = true
			return h
		}},
		{"refs-ssh", refs},
	} {
		b.Run(row.name, func(b *testing.B) {
			f := newRig(b, "main")
			hostile := strings.ReplaceAll(hostileObjects, "URL", parts.Serve(b, row.make(b), parts.FrontOptions{}).URL)
			if row.name == "refs-ssh" {
				hostile = overSSH(b, row.make(b))
			}
			text, err := os.ReadFile(f.objects)
			if err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(f.objects, append(text, hostile...), 0o600); err != nil {
				b.Fatal(err)
			}
			run := func() cost {
				c, said, err := measureAny(b, program, "run", "--state", newState(b), "-f", f.objects)
				if head := f.repo.File("main", "a.yaml"); head != f.with("1.1.0") || !strings.Contains(said, "default/hostile ") {
					b.Fatalf("%v\n%.2000s", err, said)
				}
				return c
			}
			var t tally
			for b.Loop() {
				t.run(run, func() cost { return measure(b, program, "version") })
			}
			t.report(b, "x-version")
			b.ReportMetric(float64(most(t.ours))/float64(most(t.theirs)), "x-memory")
		})
	}
}

// refs is a small repository of 900,000 branches.
func refs(b *testing.B) parts.RawGit {
	h := tiny(b, 4, "%x", func(i int) string { return fmt.Sprint(i) })
	h.Refs = 900_000
	return h
}

// overSSH are hostileObjects of a repository that is served over ssh.
func overSSH(b *testing.B, h parts.RawGit) string {
	login := parts.ServeSSH(b, h.ServeSSH)
	secret, err := json.Marshal(map[string]string{"identity": string(login.Identity), "known_hosts": string(login.KnownHosts)})
	if err != nil {
		b.Fatal(err)
	}
	objects := strings.ReplaceAll(hostileObjects, "URL", "ssh://git@"+login.Addr)
	objects = strings.Replace(objects, "interval: 5m, ref:", "interval: 5m, secretRef: {name: ssh}, ref:", 1)
	return objects + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: ssh}\nstringData: " + string(secret) + "\n"
}

// hostileObjects are an automation of the repository at URL.
const hostileObjects = `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: hostile}
spec: {url: URL/hostile.git, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: hostile}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: hostile}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
`
