// Package registry gives authenticated, bounded and polite access to OCI
// registries.
//
// It is the only door to go-containerregistry, and uses its parsing of names
// and its ping. It sends the requests itself, also those for tokens. Per host, a
// bounded number of requests is in flight over reused connections, fewer after a
// 429. There is one ping, one token for each scope and credential, and one
// pause that every 429 and 503 sets for all requests. Package taglist reads lists of
// tags over it.
//
// Answers of registries are treated as hostile. Every answer is bounded in
// bytes and time, tags outside the OCI grammar and malformed digests never
// leave the package, and quotes of answers in errors are escaped.
//
// The protocol is that of the OCI distribution specification 1.1; tokens are
// those of https://distribution.github.io/distribution/spec/auth/token/.
package registry
