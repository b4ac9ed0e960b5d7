// Package login: credentials of clouds and environments, bound to hosts. A
// credential is handed out for the host it belongs to and for no other. The
// package also holds the one Dialer that every client of this program uses.
package login
