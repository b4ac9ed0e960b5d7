package verify

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
	sigs "github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts/keyless"
)

// TestPublicRoot: what was signed in the public good instance verifies by the root
// that the program brings, with everything that the root demands: the provenance of
// an npm package, from the examples of sigstore-go.
func TestPublicRoot(t *testing.T) {
	if made, err := time.Parse(time.DateOnly, RootDate); err != nil || made.After(time.Now()) {
		t.Errorf("date of the root: %s, %v", RootDate, err)
	}
	root, err := (&Roots{}).of(t.Context(), &fleet.Keyless{})
	if err != nil {
		t.Fatal(err)
	}
	if len(root.material.RekorLogs()) < 2 || len(root.material.CTLogs()) == 0 || len(root.material.TimestampingAuthorities()) == 0 {
		t.Error("the root lacks logs or timestamps")
	}
	text, err := os.ReadFile("testdata/public-good.json")
	if err != nil {
		t.Fatal(err)
	}
	signed := &bundle.Bundle{}
	if err := signed.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	sum, err := hex.DecodeString("76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751")
	if err != nil {
		t.Fatal(err)
	}
	result, err := root.verifier.Verify(signed, sigstore.NewPolicy(sigstore.WithArtifactDigest("sha512", sum), sigstore.WithoutIdentitiesUnsafe()))
	if err != nil {
		t.Fatal(err)
	}
	by := result.Signature.Certificate
	if by.Issuer != "https://token.actions.githubusercontent.com" || !strings.HasPrefix(by.SubjectAlternativeName, "https://github.com/sigstore/sigstore-js/") {
		t.Errorf("by %s of %s", by.SubjectAlternativeName, by.Issuer)
	}
	if log := root.logOf(signed); log != "https://rekor.sigstore.dev" {
		t.Errorf("log %q", log)
	}
}

// mirror serves a repository of TUF that has a target, until answers is false.
func mirror(t *testing.T, content []byte, change func(*metadata.RootType)) (*repository, *atomic.Int64) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sigs.LoadSigner(private, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	key, err := metadata.KeyFromPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	files, until := map[string][]byte{}, time.Now().Add(time.Hour)
	sum := metadata.TargetFile()
	if sum, err = sum.FromBytes("trusted_root.json", content, "sha256"); err != nil {
		t.Fatal(err)
	}
	files["/targets/"+sum.Hashes["sha256"].String()+".trusted_root.json"] = content
	root, targets, snapshot, stamp := metadata.Root(until), metadata.Targets(until), metadata.Snapshot(until), metadata.Timestamp(until)
	targets.Signed.Targets["trusted_root.json"] = sum
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		if err := root.Signed.AddKey(key, role); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&root.Signed)
	}
	for name, sign := range map[string]func() ([]byte, error){
		"/1.root.json":     func() ([]byte, error) { _, err := root.Sign(signer); return must(t, root.ToBytes, err), err },
		"/1.targets.json":  func() ([]byte, error) { _, err := targets.Sign(signer); return must(t, targets.ToBytes, err), err },
		"/1.snapshot.json": func() ([]byte, error) { _, err := snapshot.Sign(signer); return must(t, snapshot.ToBytes, err), err },
		"/timestamp.json":  func() ([]byte, error) { _, err := stamp.Sign(signer); return must(t, stamp.ToBytes, err), err },
	} {
		if files[name], err = sign(); err != nil {
			t.Fatal(err)
		}
	}
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		file, known := files[r.URL.Path]
		if !known {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(file)
	}))
	t.Cleanup(server.Close)
	return &repository{server.URL, files["/1.root.json"], time.Minute}, &asked
}

func must(t *testing.T, bytes func(bool) ([]byte, error), err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := bytes(false)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestRefresh: the root of the public good instance is refreshed once, whoever asks;
// one that TUF doesn't vouch for is not used.
func TestRefresh(t *testing.T) {
	ours := keyless.New(t).Root(keyless.Log)
	from, asked := mirror(t, ours, nil)
	r := &Roots{Client: http.DefaultClient, repository: from}
	for range 2 {
		root, err := r.of(t.Context(), &fleet.Keyless{})
		if err != nil || len(root.material.RekorLogs()) != 1 || root.old != "" {
			t.Fatalf("%+v, %v", root, err)
		}
	}
	if n := asked.Load(); n != 5 { // the next root, timestamp, snapshot, targets, and the target
		t.Errorf("%d requests", n)
	}
}

// TestRefreshAgain: after a day the root is refreshed while the one before is in use,
// and what took its place says since when. One that can't be had changes nothing, until
// the last is too old.
func TestRefreshAgain(t *testing.T) {
	first, _ := mirror(t, keyless.New(t).Root(keyless.Log), nil)
	second, asked := mirror(t, keyless.New(t).Root(keyless.Log, keyless.TimestampIssuer), nil)
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	r := &Roots{Client: http.DefaultClient, repository: first, Now: func() time.Time { return now }}
	issuers := func() int {
		t.Helper()
		root, err := r.of(t.Context(), &fleet.Keyless{})
		if err != nil || root.old != "" {
			t.Fatalf("%+v, %v", root, err)
		}
		return len(root.material.TimestampingAuthorities())
	}
	if issuers() != 0 || !r.Rotated().IsZero() {
		t.Fatal("the first root isn't that")
	}
	r.mu.Lock()
	r.repository = second
	r.mu.Unlock()
	now = now.Add(23 * time.Hour)
	if issuers() != 0 || r.refreshing != nil {
		t.Error("it is refreshed before its time")
	}
	now = now.Add(time.Hour)
	for range 2 {
		if issuers() != 0 {
			t.Error("somebody waited")
		}
	}
	<-r.refreshing
	if issuers() != 1 || !r.Rotated().Equal(now) || asked.Load() != 5 {
		t.Errorf("the second root isn't in use, rotated %s, asked %d times", r.Rotated(), asked.Load())
	}
	rotated := now
	for _, from := range []*repository{second, {"http://127.0.0.1:1", second.root, time.Minute}} {
		r.mu.Lock()
		r.repository = from
		r.mu.Unlock()
		now = now.Add(refreshEvery)
		issuers()
		<-r.refreshing
		if issuers() != 1 || !r.Rotated().Equal(rotated) {
			t.Error("the same root, or none, counts as another")
		}
	}
	now = now.Add(rootAge)
	root, err := r.of(t.Context(), &fleet.Keyless{})
	if err != nil || !strings.Contains(root.old, "is of 2026-12-03, which is too old") {
		t.Errorf("%+v, %v", root, err)
	}
	<-r.refreshing
}

// TestNoRefresh: without a new root the one that the program brings is used. When it
// is too old, a signature that it doesn't verify is of nobody knows whom.
func TestNoRefresh(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	fine, _ := mirror(t, []byte(`{}`), nil)
	expired, _ := mirror(t, keyless.New(t).Root(keyless.Log), func(root *metadata.RootType) { root.Expires = time.Now().Add(-time.Hour) })
	later := func() time.Time { return time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) }
	for name, from := range map[string]*repository{
		"nobody there": {"http://127.0.0.1:1", fine.root, time.Minute},
		"no answer":    {hanging.URL, fine.root, 50 * time.Millisecond},
		"no root":      fine,
		"expired":      expired,
	} {
		t.Run(name, func(t *testing.T) {
			root, err := (&Roots{Client: http.DefaultClient, repository: from, Now: func() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }}).of(t.Context(), &fleet.Keyless{})
			if err != nil || len(root.material.RekorLogs()) != 2 || root.old != "" {
				t.Errorf("%+v, %v", root, err)
			}
			root, err = (&Roots{Client: http.DefaultClient, repository: from, Now: later}).of(t.Context(), &fleet.Keyless{})
			if err != nil || !strings.Contains(root.old, "is of "+RootDate+", which is too old") {
				t.Errorf("%+v, %v", root, err)
			}
			if err := root.doubt(fmt.Errorf("wrong")); !strings.Contains(err.Error(), "wrong; the trusted root") {
				t.Error(err)
			}
		})
	}
}
