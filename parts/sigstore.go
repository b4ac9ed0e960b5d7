package parts

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// LocalSigstore is Sigstore's own servers on this machine: Fulcio, which makes
// certificates, a timestamp authority, and a log, Rekor of version 2. They trust two
// issuers of identities.
type LocalSigstore struct {
	Dir     string    // has signing.json for cosign
	Root    []byte    // trusted_root.json
	Ended   []byte    // likewise, of an authority that ended before anybody signed
	Issuers [2]string // their URLs

	Stamps     string // URL of the timestamp authority
	StampsRoot string // file with its root certificate

	t    T
	keys [2]*rsa.PrivateKey
}

// NewLocalSigstore starts the servers until t ends. It skips t if one of the programs
// is missing. There can be one at a time: the timestamp authority measures itself at
// port 2112, which can't be set.
func NewLocalSigstore(t T) *LocalSigstore {
	t.Helper()
	s := &LocalSigstore{Dir: Dir(t), t: t}
	programs := [...]string{Need(t, "cosign"), Need(t, "fulcio"), Need(t, "timestamp-server"), Need(t, "rekor-server-posix")}
	config := ""
	for i := range s.Issuers {
		config += s.issue(i)
	}
	put(t, s.Dir, "fulcio.yaml", []byte("oidc-issuers:\n"+config))
	fulcio := s.serve(programs[1], func(addr string) []string {
		_, port, _ := net.SplitHostPort(addr)
		return []string{"serve", "--host", "127.0.0.1", "--port", port, "--grpc-host", "127.0.0.1", "--grpc-port", freePort(t),
			"--metrics-port", freePort(t), "--legacy-unix-domain-socket", "@" + s.Dir, "--ca", "ephemeralca", "--ct-log-url", "", "--config-path", filepath.Join(s.Dir, "fulcio.yaml")}
	}, "/api/v2/trustBundle")
	stamps := s.serve(programs[2], func(addr string) []string {
		_, port, _ := net.SplitHostPort(addr)
		return []string{"serve", "--host", "127.0.0.1", "--port", port, "--scheme", "http", "--timestamp-signer", "memory", "--include-chain-in-response", "--disable-ntp-monitoring"}
	}, "/api/v1/timestamp/certchain")
	s.makeLogKey()
	log := s.serve(programs[3], func(addr string) []string {
		_, port, _ := net.SplitHostPort(addr)
		return []string{"serve", "--http-address", "127.0.0.1", "--grpc-address", "127.0.0.1", "--http-port", port, "--grpc-port", freePort(t), "--http-metrics-port", freePort(t), "--hostname", "rekor.local",
			"--signer-filepath", filepath.Join(s.Dir, "log.key"), "--signer-password", "", "--storage-dir", filepath.Join(s.Dir, "log"),
			"--batch-max-age", "50ms", "--checkpoint-interval", "100ms"}
	}, "/healthz")
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(s.get(fulcio+"/api/v2/trustBundle"), &bundle); err != nil || len(bundle.Chains) == 0 {
		t.Fatalf("read Fulcio's certificates: %v", err)
	}
	put(t, s.Dir, "fulcio.pem", []byte(strings.Join(bundle.Chains[0].Certificates, "")))
	chain := s.get(stamps + "/api/v1/timestamp/certchain")
	put(t, s.Dir, "stamps.pem", chain)
	s.Stamps = stamps + "/api/v1/timestamp"
	s.StampsRoot = put(t, s.Dir, "stamps.crt", rootIn(chain))
	s.configure(programs[0], fulcio, stamps, log)
	return s
}

// rootIn returns the certificate of a chain that signed itself, in PEM; nil without.
func rootIn(chain []byte) []byte {
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && bytes.Equal(c.RawIssuer, c.RawSubject) {
			return pem.EncodeToMemory(block)
		}
	}
	return nil
}

// configure has cosign make its configuration and the roots.
func (s *LocalSigstore) configure(cosign, fulcio, stamps, log string) {
	const since = "start-time=2024-01-01T00:00:00Z"
	run := func(args ...string) {
		cmd := exec.Command(cosign, args...)
		cmd.Dir = s.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			s.t.Fatalf("cosign %v: %v\n%s", args, err, out)
		}
	}
	run("signing-config", "create", "--out", "signing.json",
		"--fulcio", "url="+fulcio+",api-version=1,"+since+",operator=local", "--oidc-provider", "url="+s.Issuers[0]+",api-version=1,"+since+",operator=local",
		"--tsa", "url="+stamps+"/api/v1/timestamp,api-version=1,"+since+",operator=local", "--tsa-config", "EXACT:1",
		"--rekor", "url="+log+",api-version=2,"+since+",operator=local", "--rekor-config", "EXACT:1")
	for name, ends := range map[string]string{"root.json": "", "ended.json": ",end-time=2025-01-01T00:00:00Z"} {
		run("trusted-root", "create", "--out", name, "--fulcio", "url="+fulcio+",certificate-chain=fulcio.pem,"+since+ends,
			"--tsa", "url="+stamps+"/api/v1/timestamp,certificate-chain=stamps.pem,"+since,
			"--rekor", "url=http://rekor.local,public-key=log.pub,"+since+",origin=rekor.local")
	}
	for name, text := range map[string]*[]byte{"root.json": &s.Root, "ended.json": &s.Ended} {
		var err error
		if *text, err = os.ReadFile(filepath.Join(s.Dir, name)); err != nil {
			s.t.Fatalf("read a root: %v", err)
		}
	}
}

// issue starts an issuer, and returns its entry of Fulcio's configuration.
func (s *LocalSigstore) issue(i int) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.t.Fatalf("make a key: %v", err)
	}
	s.keys[i] = key
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.Close)
	s.Issuers[i] = server.URL
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"authorization_endpoint":%q,"token_endpoint":%q}`, server.URL, server.URL+"/keys", server.URL, server.URL)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		exponent := big.NewInt(int64(key.E)).Bytes()
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","n":%q,"e":%q}]}`,
			base64.RawURLEncoding.EncodeToString(key.N.Bytes()), base64.RawURLEncoding.EncodeToString(exponent))
	})
	return fmt.Sprintf("  %q: {issuer-url: %q, client-id: sigstore, type: email, challenge-claim: email}\n", server.URL, server.URL)
}

// Token returns a file with a token of one of the issuers, for cosign's
// --identity-token.
func (s *LocalSigstore) Token(issuer int, email string) string {
	s.t.Helper()
	now := time.Now()
	claims := fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":"sigstore","email":%q,"email_verified":true,"iat":%d,"exp":%d}`,
		s.Issuers[issuer], email, email, now.Unix(), now.Add(time.Hour).Unix())
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.keys[issuer], crypto.SHA256, sum[:])
	if err != nil {
		s.t.Fatalf("sign a token: %v", err)
	}
	file, err := os.CreateTemp(s.Dir, "token-*")
	if err == nil {
		_, err = file.WriteString(text + "." + base64.RawURLEncoding.EncodeToString(signature))
		_ = file.Close()
	}
	if err != nil {
		s.t.Fatalf("write a token: %v", err)
	}
	return file.Name()
}

// makeLogKey makes the key that the log signs with.
func (s *LocalSigstore) makeLogKey() {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatalf("make a key: %v", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.t.Fatalf("make a key: %v", err)
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		s.t.Fatalf("make a key: %v", err)
	}
	put(s.t, s.Dir, "log.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	put(s.t, s.Dir, "log.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}))
}

// serve runs a server, and returns its URL when it answers at a path.
func (s *LocalSigstore) serve(program string, args func(addr string) []string, path string) string {
	s.t.Helper()
	addr := freeAddress(s.t)
	running := start(s.t, os.Environ(), program, args(addr)...)
	err := running.await(func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", response.Status)
		}
		return nil
	})
	if err != nil {
		s.t.Fatalf("start %s: %v", program, err)
	}
	return "http://" + addr
}

func (s *LocalSigstore) get(url string) []byte {
	s.t.Helper()
	response, err := http.Get(url)
	if err != nil {
		s.t.Fatalf("ask %s: %v", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("ask %s: %v", url, err)
	}
	return data
}

func freePort(t T) string { return port(freeAddress(t)) }
