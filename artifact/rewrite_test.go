package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	servers "github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// packed returns a tar with entries of every kind that tools write.
func packed(t testing.TB, format tar.Format) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	when := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	add := func(h tar.Header, text string) {
		h.Format, h.ModTime, h.Size = format, when, int64(len(text))
		if h.Mode == 0 {
			h.Mode = 0o640
		}
		h.Uname, h.Uid, h.Gid = "somebody", 1000, 12
		if err := errors.Join(w.WriteHeader(&h), write(w, text)); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("folder/", 30)
	if format == tar.FormatUSTAR {
		long = strings.Repeat("folder/", 20)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, "")
	add(tar.Header{Name: "./a.yaml", Mode: 0o600}, "image: 1.0.0\n")
	add(tar.Header{Name: "empty.yaml"}, "")
	add(tar.Header{Name: long + "b.yaml", Mode: 0o4755}, strings.Repeat("b", 1024))
	add(tar.Header{Typeflag: tar.TypeSymlink, Name: "link.yaml", Linkname: "a.yaml"}, "")
	add(tar.Header{Name: "run.sh", Mode: 0o755}, strings.Repeat("#", 700))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), make([]byte, 8192)...) // as tar fills its records
}

func write(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

func unzip(t testing.TB, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestRewriteTar: what doesn't change stays byte for byte, and a file that changes
// keeps everything but its content and size.
func TestRewriteTar(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		for _, size := range []int{0, 1, 12, 13, 511, 512, 513, 5000} {
			t.Run(fmt.Sprint(format, size), func(t *testing.T) {
				was, text := packed(t, format), strings.Repeat("x", size)
				var out bytes.Buffer
				if err := rewriteTar(t.Context(), bytes.NewReader(was), &out, map[string][]byte{"a.yaml": []byte(text)}); err != nil {
					t.Fatal(err)
				}
				before, after := entries(t, was), entries(t, out.Bytes())
				before["./a.yaml"] = strings.Replace(before["./a.yaml"], " 13 image: 1.0.0\n", fmt.Sprintf(" %d %s", size, text), 1)
				if diff := cmp.Diff(before, after); diff != "" {
					t.Error(diff)
				}
				var back bytes.Buffer
				if err := rewriteTar(t.Context(), &out, &back, map[string][]byte{"a.yaml": []byte("image: 1.0.0\n")}); err != nil || !bytes.Equal(back.Bytes(), was) {
					t.Errorf("written back it differs: %v", err)
				}
			})
		}
	}
}

// entries describes the entries of a tar, by name.
func entries(t testing.TB, data []byte) map[string]string {
	t.Helper()
	found := map[string]string{}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		found[h.Name] = fmt.Sprintf("%d %c %o %s %s %d %v %d %s", len(found), h.Typeflag, h.Mode, h.Uname, h.ModTime, h.Uid, h.Format, h.Size, text)
	}
}

// TestRewriteZipped: the same tar gives the same bytes, whatever compressed it.
func TestRewriteZipped(t *testing.T) {
	was := packed(t, tar.FormatPAX)
	var best bytes.Buffer
	w, _ := gzip.NewWriterLevel(&best, gzip.BestCompression)
	w.ModTime, w.Name = time.Unix(1, 0), "x.tar"
	_, _ = w.Write(was)
	_ = w.Close()
	change := map[string][]byte{"a.yaml": []byte("image: 1.1.0\n")}
	var first []byte
	for _, in := range [][]byte{zipped(was), best.Bytes()} {
		var out bytes.Buffer
		if err := rewriteTar(t.Context(), bytes.NewReader(in), &out, change); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out.Bytes()
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Error("two compressions of one tar give two results")
		}
	}
	if want := bytes.Replace(was, []byte("image: 1.0.0"), []byte("image: 1.1.0"), 1); !bytes.Equal(unzip(t, first), want) {
		t.Error("a change of one byte changes others")
	}
}

// TestRewriteTarOfTools: what GNU tar writes is rewritten too, in each of its formats.
func TestRewriteTarOfTools(t *testing.T) {
	program := servers.Need(t, "tar")
	if version, err := exec.Command(program, "--version").Output(); err != nil || !bytes.Contains(version, []byte("GNU tar")) {
		servers.Skip(t, "tar isn't GNU's, whose formats are meant")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": "image: 1.0.0\n", "ümlaut.yaml": "x: 1\n", strings.Repeat("long", 20) + ".sh": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, flags := range [][]string{{"--format=gnu"}, {"--format=pax"}, {"--format=ustar"}, {"--format=v7"}} {
		file := filepath.Join(t.TempDir(), "out.tar")
		if out, err := exec.Command(program, append(flags, "-cf", file, "-C", dir, ".")...).CombinedOutput(); err != nil {
			t.Fatalf("tar: %v: %s", err, out)
		}
		was, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out, back bytes.Buffer
		if err := rewriteTar(t.Context(), bytes.NewReader(was), &out, map[string][]byte{"a.yaml": []byte("image: 10.0.0-rc.1\n")}); err != nil {
			t.Errorf("%v: %v", flags, err)
			continue
		}
		if err := rewriteTar(t.Context(), &out, &back, map[string][]byte{"a.yaml": []byte("image: 1.0.0\n")}); err != nil || !bytes.Equal(back.Bytes(), was) {
			t.Errorf("%v: written back it differs: %v", flags, err)
		}
	}
}

func TestRewriteTarRefuses(t *testing.T) {
	build := func(headers ...tar.Header) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, h := range headers {
			h.Size = 4
			if h.Typeflag == tar.TypeSymlink {
				h.Size = 0
			}
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if h.Size > 0 {
				_ = write(w, "a: 1")
			}
		}
		_ = w.Close()
		return out.Bytes()
	}
	plain := tar.Header{Name: "a.yaml", Typeflag: tar.TypeReg, Mode: 0o644}
	for name, test := range map[string]struct {
		tar  []byte
		want string
	}{
		"twice":           {build(plain, plain), "a.yaml is in the tar twice"},
		"twice, spelt":    {build(plain, tar.Header{Name: "./a.yaml", Typeflag: tar.TypeReg}), "a.yaml is in the tar twice"},
		"gone":            {build(tar.Header{Name: "b.yaml", Typeflag: tar.TypeReg}), "a.yaml is not in it"},
		"upwards":         {build(tar.Header{Name: "../a.yaml", Typeflag: tar.TypeReg}), "leads upwards"},
		"a link":          {build(tar.Header{Name: "a.yaml", Typeflag: tar.TypeSymlink, Linkname: "b"}), "stored in a way that isn't rewritten"},
		"cut in content":  {build(plain)[:514], "unexpected EOF"},
		"cut in padding":  {build(plain, plain)[:600], "it is cut"},
		"no tar":          {bytes.Repeat([]byte("x"), 1024), "invalid tar header"},
		"empty":           {nil, "a.yaml is not in it"},
		"cut in the gzip": {zipped(packed(t, tar.FormatPAX))[:100], "unexpected EOF"},
	} {
		err := rewriteTar(t.Context(), bytes.NewReader(test.tar), io.Discard, map[string][]byte{"a.yaml": []byte("a: 2")})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// FuzzRewriteTar: without a change a tar stays as it is, and a change that is taken
// back leaves it as it was.
func FuzzRewriteTar(f *testing.F) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		f.Add(packed(f, format), []byte("image: 1.1.0\n"))
	}
	f.Fuzz(func(t *testing.T, data, text []byte) {
		var same bytes.Buffer
		var err error
		budget.Affords(t, len(data), func() { err = copyTar(t.Context(), bytes.NewReader(data), &same, nil) })
		if err != nil {
			return
		}
		if !bytes.Equal(same.Bytes(), data) {
			t.Fatal("a copy differs")
		}
		var was []byte
		seen := 0
		_ = walkTar(t.Context(), bytes.NewReader(data), func(e Entry) error {
			if e.Name == "a.yaml" {
				seen++
				was, _ = io.ReadAll(e.body)
			}
			return nil
		})
		var out, back bytes.Buffer
		if seen == 0 || copyTar(t.Context(), bytes.NewReader(data), &out, map[string][]byte{"a.yaml": text}) != nil {
			return
		}
		if err := copyTar(t.Context(), &out, &back, map[string][]byte{"a.yaml": was}); err != nil {
			t.Fatalf("it can't be written back: %v", err)
		}
		// A tool's own spelling of numbers and dirty padding aside, it is what it was.
		if len(back.Bytes()) != len(data) {
			t.Fatalf("written back it has %d bytes, and had %d", back.Len(), len(data))
		}
	})
}
