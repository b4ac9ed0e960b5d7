// Package registry: authenticated, bounded, polite access to OCI registries.
//
// It is the only door to go-containerregistry, whose parsing of names, ping and
// token exchange it uses. The requests themselves are its own: per host a
// bounded number is in flight over kept connections, fewer after a 429; there is
// one ping, one token for each scope and credential, and one clock of waiting
// that every 429 and 503 sets for all. Pages of a long list are read at once
// where that gives what reading them in sequence gives (splitter).
//
// What a registry answers is hostile. Every answer is bounded in bytes and
// time, tags outside the OCI grammar and malformed digests never leave the
// package, and what an error quotes of an answer is escaped.
//
// The protocol is that of the OCI distribution specification 1.1; tokens are
// those of https://distribution.github.io/distribution/spec/auth/token/.
package registry
