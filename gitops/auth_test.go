package gitops_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// Wrong and missing credentials are told from each other, and never shown.
func TestAuthHTTP(t *testing.T) {
	ca, clients := parts.NewCA(t), parts.NewCA(t)
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca}, User: "bot", Password: "hunter2", Bearer: "sesame"}})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	mutual := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca, Clients: clients}}})
	certain := mutual.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	pair := clients.Client("bot")

	trusted := pinsetter.TLS{CA: ca.PEM}
	tests := map[string]struct {
		url  string
		auth fleet.GitAuth
		env  map[string]string
		text string // of the error; "": it works
		want error
	}{
		"basic":          {auth: fleet.GitAuth{Set: true, Username: "bot", Password: secret("hunter2"), TLS: trusted}},
		"bearer":         {auth: fleet.GitAuth{Set: true, Bearer: secret("sesame"), TLS: trusted}},
		"wrong password": {auth: fleet.GitAuth{Set: true, Username: "bot", Password: secret("hunter3"), TLS: trusted}, text: "access denied (401)", want: gitops.ErrAuth},
		"wrong password of a Secret": {auth: fleet.GitAuth{Set: true, Secret: pinsetter.Name{Namespace: "a", Name: "git"}, Username: "bot", Password: secret("hunter3"), TLS: trusted},
			text: "access denied (401): authentication required; the credentials in Secret a/git were refused: renew them there", want: gitops.ErrAuth},
		"a Secret without credentials": {auth: fleet.GitAuth{Set: true, Secret: pinsetter.Name{Namespace: "a", Name: "git"}, TLS: trusted},
			text: "access denied (401): authentication required; Secret a/git of the secretRef holds no credentials", want: gitops.ErrAuth},
		"none":       {auth: fleet.GitAuth{TLS: trusted}, text: "give a secretRef with valid credentials", want: gitops.ErrAuth},
		"unknown CA": {auth: fleet.GitAuth{Set: true, Username: "bot", Password: secret("hunter2")}, text: "give its CA as ca.crt in the secret"},
		"other CA":   {auth: fleet.GitAuth{Set: true, TLS: pinsetter.TLS{CA: clients.PEM}}, text: "give its CA as ca.crt in the secret"},
		"environment": {auth: fleet.GitAuth{TLS: trusted},
			env: map[string]string{"PINSETTER_GIT_TOKEN": "hunter2", "PINSETTER_GIT_USERNAME": "bot", "PINSETTER_GIT_HOST": g.Addr}},
		"environment for another host": {auth: fleet.GitAuth{TLS: trusted},
			env:  map[string]string{"PINSETTER_GIT_TOKEN": "hunter2", "PINSETTER_GIT_USERNAME": "bot", "PINSETTER_GIT_HOST": "127.0.0.1"},
			text: "access denied", want: gitops.ErrAuth},
		"a secret without credentials asks no environment": {auth: fleet.GitAuth{Set: true, TLS: trusted},
			env:  map[string]string{"PINSETTER_GIT_TOKEN": "hunter2", "PINSETTER_GIT_USERNAME": "bot", "PINSETTER_GIT_HOST": g.Addr},
			text: "access denied", want: gitops.ErrAuth},
		"in the URL":          {url: "https://bot:hunter2@" + g.Addr + "/org/app.git", auth: fleet.GitAuth{TLS: trusted}},
		"wrong in the URL":    {url: "https://bot:hunter3@" + g.Addr + "/org/app.git", auth: fleet.GitAuth{TLS: trusted}, text: "access denied", want: gitops.ErrAuth},
		"client certificate":  {url: certain.URL, auth: fleet.GitAuth{Set: true, TLS: pinsetter.TLS{CA: ca.PEM, Cert: pair.Cert, Key: secret(string(pair.Key))}}},
		"without certificate": {url: certain.URL, auth: fleet.GitAuth{Set: true, TLS: trusted}, text: "certificate required"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.url == "" {
				test.url = repository.URL
			}
			o := gitops.Options{Environment: login.Environment{Getenv: func(name string) string { return test.env[name] }}}
			_, err := openWith(t, &fleet.GitSource{URL: test.url, Auth: test.auth}, o).Fetch(context.Background(), main, "")
			if test.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, test.text)
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error %v is not %v", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("error %q shows a password", err)
			}
		})
	}
}

// A redirect may lead elsewhere; the credentials stay behind.
func TestRedirectKeepsCredentialsBehind(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	var seen []string
	thief := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		http.Redirect(w, r, g.URL+r.URL.RequestURI(), http.StatusFound)
	}), parts.FrontOptions{})
	front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
	}), parts.FrontOptions{User: "bot", Password: "pass"})

	src := &fleet.GitSource{URL: front.URL + "/org/app.git", Auth: fleet.GitAuth{Set: true, Username: "bot", Password: secret("pass")}}
	remote := openWith(t, src, gitops.Options{})
	base := fetch(t, remote, main, "").Base
	next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
	if repository.Head("main") != next.Hash() {
		t.Error("the push did not arrive")
	}
	if len(seen) != 2 || strings.Join(seen, "") != "" {
		t.Errorf("the other origin saw credentials %q", seen)
	}
}

func TestProxy(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	proxy := parts.NewProxy(t, parts.FrontOptions{User: "me", Password: "pass"})
	for name, test := range map[string]struct {
		password string
		text     string
	}{"right": {"pass", ""}, "wrong": {"word", "407 Proxy Authentication Required"}} {
		t.Run(name, func(t *testing.T) {
			src := &fleet.GitSource{URL: repository.URL, Auth: fleet.GitAuth{Proxy: &pinsetter.Proxy{Address: proxy.URL, Username: "me", Password: secret(test.password)}}}
			_, err := openWith(t, src, gitops.Options{}).Fetch(context.Background(), main, "")
			if test.text == "" && err != nil {
				t.Error(err)
			} else if test.text != "" {
				wantError(t, err, test.text)
			}
		})
	}
	if proxy.Log.Count("GET", "/info/refs") == 0 {
		t.Error("the proxy saw no request")
	}
}

// The server is who known_hosts says, or nothing is said to it.
func TestAuthSSH(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	server, other := parts.NewSSH(t, g, parts.SSHOptions{}), parts.NewSSH(t, g, parts.SSHOptions{})
	locked := parts.NewSSH(t, g, parts.SSHOptions{Passphrase: "open"})
	swapped := strings.Replace(string(other.KnownHosts), other.Addr[len("127.0.0.1:"):], server.Addr[len("127.0.0.1:"):], 1)

	tests := map[string]struct {
		auth   fleet.GitAuth
		text   string // of the error
		opens  bool   // the error comes with Fetch, not with Open
		denied bool
	}{
		"unknown host":     {auth: fleet.GitAuth{Identity: secret(string(server.Identity)), KnownHosts: other.KnownHosts}, opens: true, text: "known_hosts of the secret has none for it"},
		"another host key": {auth: fleet.GitAuth{Identity: secret(string(server.Identity)), KnownHosts: []byte(swapped)}, opens: true, text: "known_hosts of the secret has another for it"},
		"another identity": {auth: fleet.GitAuth{Identity: secret(string(other.Identity)), KnownHosts: server.KnownHosts}, opens: true, text: "accepts none of the keys", denied: true},
		"no known_hosts":   {auth: fleet.GitAuth{Identity: secret(string(server.Identity))}, text: "the secret has no known_hosts"},
		"bad known_hosts":  {auth: fleet.GitAuth{Identity: secret(string(server.Identity)), KnownHosts: []byte("nonsense")}, text: "read known_hosts of the secret"},
		"no identity":      {auth: fleet.GitAuth{KnownHosts: server.KnownHosts}, text: "the secret has no identity"},
		"bad identity":     {auth: fleet.GitAuth{Identity: secret("nonsense"), KnownHosts: server.KnownHosts}, text: "read identity"},
		"no passphrase":    {auth: fleet.GitAuth{Identity: secret(string(locked.Identity)), KnownHosts: server.KnownHosts}, text: "the key is encrypted"},
		"wrong passphrase": {auth: fleet.GitAuth{Identity: secret(string(locked.Identity)), IdentityPassword: secret("shut"), KnownHosts: server.KnownHosts}, text: "read identity"},
		"proxy of http":    {auth: fleet.GitAuth{Identity: secret(string(server.Identity)), KnownHosts: server.KnownHosts, Proxy: &pinsetter.Proxy{Address: "http://127.0.0.1:1"}}, text: "must be socks5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.auth.Set = true
			remote, err := gitops.Open(&fleet.GitSource{URL: server.URL(repository), Auth: test.auth}, gitops.Options{})
			if (err == nil) != test.opens {
				t.Fatalf("Open: %v", err)
			}
			if err == nil {
				_, err = remote.Fetch(context.Background(), main, "")
			}
			wantError(t, err, test.text)
			if errors.Is(err, gitops.ErrAuth) != test.denied {
				t.Errorf("error %v: ErrAuth should be %v", err, test.denied)
			}
		})
	}
}

// Without a secret the ssh-agent logs in, and the user's known_hosts decides.
func TestAuthSSHEnvironment(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	server := parts.NewSSH(t, g, parts.SSHOptions{})
	known := write(t, "known_hosts", string(server.KnownHosts))
	home := parts.Dir(t)
	mkdir(t, home+"/.ssh")
	link(t, known, home+"/.ssh/known_hosts")
	socket := serveAgent(t, home+"/agent", server.Identity)

	env := login.Environment{Home: home, Getenv: func(name string) string { return map[string]string{"SSH_AUTH_SOCK": socket}[name] }}
	src := &fleet.GitSource{URL: server.URL(repository)}
	fetch(t, openWith(t, src, gitops.Options{Environment: env}), main, "")

	_, err := gitops.Open(src, gitops.Options{})
	wantError(t, err, "give a secretRef with identity and known_hosts, name a folder with these two in PINSETTER_GIT_SSH")
}

// TestAuthSSHMounted: without a secretRef, the Secret in the folder PINSETTER_GIT_SSH
// logs in at PINSETTER_GIT_HOST, and nowhere else.
func TestAuthSSHMounted(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	server, other := parts.NewSSH(t, g, parts.SSHOptions{Passphrase: "open"}), parts.NewSSH(t, g, parts.SSHOptions{})
	mounted := func(files map[string][]byte) string {
		dir := parts.Dir(t)
		for name, data := range files {
			link(t, write(t, name, string(data)), filepath.Join(dir, name)) // as a kubelet lays them out
		}
		return dir
	}
	whole := map[string][]byte{"identity": server.Identity, "password": []byte("open\n"), "known_hosts": server.KnownHosts, "identity.pub": {}}
	with := func(host, dir string) gitops.Options {
		set := map[string]string{"PINSETTER_GIT_SSH": dir, "PINSETTER_GIT_HOST": host}
		return gitops.Options{Environment: login.Environment{Home: parts.Dir(t), Getenv: func(name string) string { return set[name] }}}
	}
	src := &fleet.GitSource{URL: server.URL(repository)}
	fetch(t, openWith(t, src, with(server.Addr, mounted(whole))), main, "")
	for name, test := range map[string]struct {
		options gitops.Options
		url     string
		want    string
	}{
		"another host":     {with(server.Addr, mounted(whole)), other.URL(repository), "nothing to log in with"},
		"no host":          {with("", mounted(whole)), src.URL, "name it in PINSETTER_GIT_HOST"},
		"a URL as host":    {with("ssh://git.example", mounted(whole)), src.URL, "is not a host"},
		"no such folder":   {with(server.Addr, "/nowhere"), src.URL, "it needs the files identity and known_hosts"},
		"no known_hosts":   {with(server.Addr, mounted(map[string][]byte{"identity": server.Identity})), src.URL, "read known_hosts of the folder PINSETTER_GIT_SSH"},
		"an empty key":     {with(server.Addr, mounted(map[string][]byte{"identity": {}, "known_hosts": server.KnownHosts})), src.URL, "it is empty"},
		"a large key":      {with(server.Addr, mounted(map[string][]byte{"identity": make([]byte, 2<<20), "known_hosts": server.KnownHosts})), src.URL, "it has more than"},
		"no key":           {with(server.Addr, mounted(map[string][]byte{"identity": []byte("key"), "known_hosts": server.KnownHosts})), src.URL, "read identity"},
		"a key's password": {with(server.Addr, mounted(map[string][]byte{"identity": server.Identity, "known_hosts": server.KnownHosts})), src.URL, "read identity"},
	} {
		_, err := gitops.Open(&fleet.GitSource{URL: test.url}, test.options)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	strangers := mounted(map[string][]byte{"identity": server.Identity, "password": []byte("open"), "known_hosts": other.KnownHosts})
	remote := openWith(t, src, with(server.Addr, strangers))
	_, err := remote.Fetch(t.Context(), fleet.GitRef{Branch: "main"})
	wantError(t, err, "host key not accepted")
}

// serveAgent runs an ssh-agent with one key.
func serveAgent(t *testing.T, socket string, identity []byte) string {
	t.Helper()
	key, err := ssh.ParseRawPrivateKey(identity)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
	return socket
}

// A metadata service's address is refused by every transport.
func TestDialerIsUsed(t *testing.T) {
	home := parts.Dir(t)
	mkdir(t, home+"/.ssh")
	link(t, write(t, "known_hosts", ""), home+"/.ssh/known_hosts")
	env := login.Environment{Home: home, Getenv: func(name string) string {
		if name == "SSH_AUTH_SOCK" {
			return "/none"
		}
		return ""
	}}
	for _, url := range []string{"http://169.254.169.254/a", "https://169.254.169.254/a", "http://[fe80::1%25lo]/a", "ssh://git@169.254.169.254/a"} {
		src := &fleet.GitSource{URL: url}
		o := gitops.Options{}
		if strings.HasPrefix(url, "ssh") {
			o.Environment = env
		}
		_, err := openWith(t, src, o).Fetch(context.Background(), main, "")
		if !errors.Is(err, login.ErrRefusedAddress) {
			t.Errorf("%s: %v, want ErrRefusedAddress", url, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, text := range map[string]string{
		"git@example.test:a/b":         "give scheme://host/path",
		"ftp://example.test/a":         `unknown scheme "ftp"`,
		"https://user:pass@/a":         "has no host",
		"https://example.test":         "has no path",
		"https://u:se%zzcret@x.test/a": "not a URL",
		"http://u:secret@x.test/a":     "plain http would show",
		"file://example.test/a":        "write file:///path",
		"https://example.test:99999/a": "has no valid port",
	} {
		_, err := gitops.Open(&fleet.GitSource{URL: url}, gitops.Options{})
		wantError(t, err, text)
		if strings.Contains(err.Error(), "pass@") || strings.Contains(err.Error(), "se") && strings.Contains(err.Error(), "cret@") {
			t.Errorf("error %q shows a password", err)
		}
	}
}
