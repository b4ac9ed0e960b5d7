package parts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Toxiproxy is Shopify's toxiproxy: it forwards TCP connections and disturbs
// them (https://github.com/Shopify/toxiproxy).
type Toxiproxy struct {
	t   T
	url string // of its API
}

// NewToxiproxy starts one that ends with t. It skips the test if toxiproxy is
// missing.
func NewToxiproxy(t T) *Toxiproxy {
	t.Helper()
	program := Need(t, "toxiproxy-server")
	address := freeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	p := &Toxiproxy{t: t, url: "http://" + address}
	running := start(t, nil, program, "-host", host, "-port", port)
	if err := running.await(func(context.Context) error { return p.ask(http.MethodGet, "/version", nil, nil) }); err != nil {
		t.Fatalf("start toxiproxy: %v", err)
	}
	return p
}

// Before returns a link whose address leads to upstream through the proxy. Both
// addresses are "127.0.0.1:PORT".
func (p *Toxiproxy) Before(upstream string) *Link {
	p.t.Helper()
	link := &Link{proxy: p, name: upstream}
	var made struct{ Listen string }
	p.must(http.MethodPost, "/proxies", map[string]any{"name": link.name, "listen": "127.0.0.1:0", "upstream": upstream, "enabled": true}, &made)
	link.Addr = made.Listen
	return link
}

// Link is one route through a Toxiproxy.
type Link struct {
	Addr string

	proxy *Toxiproxy
	name  string
}

// Spoil adds a toxic to all connections in the direction of the client, also to
// open ones. Kind and attributes are those of toxiproxy's documentation, such
// as "latency" with {"latency": 100} in milliseconds.
func (l *Link) Spoil(kind string, attributes map[string]any) {
	l.proxy.t.Helper()
	l.proxy.must(http.MethodPost, "/proxies/"+l.name+"/toxics", map[string]any{"type": kind, "stream": "downstream", "attributes": attributes}, nil)
}

// Mend removes all toxics of all links.
func (p *Toxiproxy) Mend() {
	p.t.Helper()
	p.must(http.MethodPost, "/reset", nil, nil)
}

func (p *Toxiproxy) must(method, path string, body, answer any) {
	p.t.Helper()
	if err := p.ask(method, path, body, answer); err != nil {
		p.t.Fatalf("ask toxiproxy: %v", err)
	}
}

func (p *Toxiproxy) ask(method, path string, body, answer any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(context.Background(), method, p.url+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(text, answer)
}
