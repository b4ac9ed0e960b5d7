package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
)

// sayUnmarked notes the automations that found no marker, and the policies that
// nobody uses because of that: markers may be in the checkout and not pushed.
func sayUnmarked(a *cli.App, c *cycleResult) {
	var unmarked []*fleet.Automation
	for _, one := range c.set.Automations {
		if slices.ContainsFunc(c.results, func(r *bot.Result) bool { return r.Automation() == one.Name && r.Unmarked }) {
			unmarked = append(unmarked, one)
		}
	}
	for _, one := range unmarked {
		from := one.Base.String()
		if one.Delivery != nil {
			from = "what " + one.Delivery.Source.Spec.URL + " has"
		}
		text := fmt.Sprintf("%s %s: no $imagepolicy marker is in %s", one.Kind(), one.Name, from)
		if one.Path != "." {
			text += " below " + one.Path
		}
		if idle := unused(c.set, one, unmarked); len(idle) > 0 {
			text += ", and nobody uses ImagePolicy " + strings.Join(idle, ", ")
		}
		a.Say("note", text+": push the files with markers; pinsetter init proposes some")
	}
}

// unused returns the names of the policies that an automation selects, and no
// automation that may have found a marker.
func unused(set *fleet.Set, one *fleet.Automation, unmarked []*fleet.Automation) []string {
	var names []string
	for _, p := range set.Policies {
		mayUse := func(a *fleet.Automation) bool { return a.Selects(p) && !slices.Contains(unmarked, a) }
		if one.Selects(p) && !slices.ContainsFunc(set.Automations, mayUse) {
			names = append(names, p.Name.String())
		}
	}
	return names
}
