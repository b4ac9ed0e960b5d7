package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page
var files embed.FS

// pages renders the status page. It is safe for concurrent use.
type pages struct {
	version   string
	now       func() time.Time
	templates map[string]*template.Template // by file name, without ".html"
	assets    map[string]asset              // by path
	style     string                        // path of the style sheet
	icon      string                        // path of the icon
}

// asset is a file that pages refer to. Its path contains a hash of its content,
// so that browsers may cache it.
type asset struct {
	kind string
	data []byte
}

func newPages(version string, now func() time.Time) (*pages, error) {
	p := &pages{version: version, now: now, templates: map[string]*template.Template{}, assets: map[string]asset{}}
	p.style = p.addAsset("style.css", "text/css; charset=utf-8")
	p.icon = p.addAsset("icon.svg", "image/svg+xml")
	base, err := template.New("base").Funcs(p.funcs()).ParseFS(files, "page/base.html", "page/parts.html")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"overview", "automations", "policies", "held", "history", "automation", "policy", "error"} {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "page/"+name+".html")
		}
		if err != nil {
			return nil, err
		}
		p.templates[name] = t
	}
	return p, nil
}

func (p *pages) addAsset(name, kind string) string {
	data, _ := files.ReadFile("page/" + name) // it is embedded
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	at := "/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	p.assets[at] = asset{kind, data}
	return at
}

// ServeHTTP sends an asset.
func (a asset) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, _ = w.Write(a.data) // the client may be gone
}

// sheet is the data of a page: common fields, and a body of its own.
type sheet struct {
	Title  string
	Nav    string    // path of the list that the page belongs to
	At     time.Time // time of its data; zero: it has none
	Query  string    // the current search
	State  State     // the selected state
	Search string    // target path of a search
	Body   any

	// Refresh says that the page is loaded again every minute. A page that asks
	// registries isn't.
	Refresh bool

	Version, Style, Icon string
}

// render renders a template.
func (p *pages) render(name string, s sheet) ([]byte, error) {
	s.Version, s.Style, s.Icon = p.version, p.style, p.icon
	if s.Search == "" {
		s.Search = "/policies"
	}
	var page bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&page, "base.html", s); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	return visible(page.Bytes()), nil
}
