package adopt

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// name gives the groups names that people would choose: the last part of the
// image's name, with what tells several policies of one image apart.
func (p *proposer) name() {
	images := map[string][]*group{}
	for _, g := range p.order {
		images[g.canonical] = append(images[g.canonical], g)
	}
	taken := maps.Clone(p.o.Taken)
	if taken == nil {
		taken = map[string]bool{}
	}
	bases := map[string]string{}
	for _, g := range p.order {
		base, ok := bases[g.canonical]
		if !ok {
			base = unique(g.names(), taken)
			bases[g.canonical] = base
			taken[base] = true
			g.name = pinsetter.Name{Namespace: p.o.Namespace, Name: base}
			if len(images[g.canonical]) > 1 && g.rung.Suffix != "" {
				g.name.Name = unique([]string{Label(base + "-" + g.rung.Suffix)}, taken)
				taken[g.name.Name] = true
			}
			continue
		}
		var names []string
		if g.rung.Suffix != "" {
			names = append(names, Label(base+"-"+g.rung.Suffix))
		}
		if g.reflects != spec.ReflectNever {
			names = append(names, Label(base+"-"+g.rung.Suffix+"-digest"))
		}
		major, _, _ := strings.Cut(strings.TrimLeft(g.rung.Range, ">=v^"), ".x")
		names = append(names, Label(base+"-"+g.rung.Suffix+"-"+major))
		g.name = pinsetter.Name{Namespace: p.o.Namespace, Name: unique(names, taken)}
		taken[g.name.Name] = true
	}
	p.bases = bases
}

// base returns the name of a group's ImageRepository.
func (p *proposer) base(g *group) string { return p.bases[g.canonical] }

// names returns the names for a group's image, the shortest first.
func (g *group) names() []string {
	segments := strings.Split(strings.TrimPrefix(g.canonical, IndexKey("")), "/")
	if index := g.asks[0].Index; index != nil {
		segments[len(segments)-1] = index.Chart
	}
	last := segments[len(segments)-1]
	names := []string{Label(last)}
	if g.asks[0].Kind == KindChart {
		names = append(names, Label(last+"-chart"))
	}
	for i := len(segments) - 2; i >= 0; i-- {
		names = append(names, Label(strings.Join(segments[i:], "-")))
	}
	return names
}

// unique returns the first name that isn't taken, or the last one with a number.
func unique(names []string, taken map[string]bool) string {
	for _, name := range names {
		if !taken[name] {
			return name
		}
	}
	last := names[len(names)-1]
	for i := 2; ; i++ {
		if name := fmt.Sprintf("%s-%d", last, i); !taken[name] {
			return name
		}
	}
}

// Label returns a text as a name that objects and labels can have (RFC 1123).
func Label(text string) string {
	text = notInNames().ReplaceAllString(strings.ToLower(text), "-")
	if len(text) > 60 {
		text = text[len(text)-60:]
	}
	if text = strings.Trim(text, "-"); text == "" {
		return "image"
	}
	return text
}

var notInNames = pinsetter.Pattern(`[^a-z0-9]+`)
