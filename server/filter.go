package server

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	perPage  = 100 // rows of a list
	maxQuery = 512 // bytes of a search; "namespace/name" has at most 507
	maxPage  = 1_000_000
)

// filter is a request's selection from a list.
type filter struct {
	query string // in lower case; selects rows with this in one of their texts
	state State  // "": any
	page  int    // from 1
}

// parseFilter parses ?q=, ?state= and ?page=.
func parseFilter(values url.Values) (filter, error) {
	f := filter{query: strings.ToLower(strings.TrimSpace(values.Get("q"))), state: State(values.Get("state")), page: 1}
	if len(f.query) > maxQuery {
		return filter{}, fmt.Errorf("q has %d bytes, and %d are the bound", len(f.query), maxQuery)
	}
	if f.state != "" && !slices.Contains(states, f.state) {
		return filter{}, fmt.Errorf("state %q is none of %q", f.state, states)
	}
	if text := values.Get("page"); text != "" {
		page, err := strconv.Atoi(text)
		if err != nil || page < 1 || page > maxPage {
			return filter{}, fmt.Errorf("page %q is no number from 1 to %d", text, maxPage)
		}
		f.page = page
	}
	return f, nil
}

// values reverses parseFilter.
func (f filter) values() url.Values {
	values := url.Values{}
	if f.query != "" {
		values.Set("q", f.query)
	}
	if f.state != "" {
		values.Set("state", string(f.state))
	}
	if f.page > 1 {
		values.Set("page", strconv.Itoa(f.page))
	}
	return values
}

// list is one page of rows, with links to the others.
type list[T any] struct {
	Rows  []T
	Total int // rows on all pages
	Page  int
	Pages int

	path   string
	filter filter
}

// paged returns the page of rows that f selects, or the last page if there are
// fewer.
func paged[T any](rows []T, path string, f filter) list[T] {
	l := list[T]{Total: len(rows), Pages: max(1, (len(rows)+perPage-1)/perPage), path: path, filter: f}
	l.Page = min(f.page, l.Pages)
	from := (l.Page - 1) * perPage
	l.Rows = rows[from:min(from+perPage, len(rows))]
	return l
}

// Prev returns the address of the previous page, "" on the first.
func (l list[T]) Prev() string { return l.at(l.Page - 1) }

// Next returns the address of the next page, "" on the last.
func (l list[T]) Next() string { return l.at(l.Page + 1) }

func (l list[T]) at(page int) string {
	if page < 1 || page > l.Pages {
		return ""
	}
	f := l.filter
	f.page = page
	return address(l.path, f)
}

func address(path string, f filter) string {
	if query := f.values().Encode(); query != "" {
		return path + "?" + query
	}
	return path
}
