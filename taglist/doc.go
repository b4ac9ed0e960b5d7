// Package taglist reads the list of an image's tags, page by page, and remembers the
// last one. It knows the pages of the OCI distribution specification 1.1 and nothing
// of logins: a Source sends the requests.
//
// Answers are treated as hostile. All pages together are bounded in bytes and
// number, tags outside the OCI grammar never leave the package, and no page leads to
// another origin. Pages of a long list are read in parallel if that gives the same
// result as reading them in sequence (splitter).
package taglist
