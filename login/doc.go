// Package login provides the credentials of clouds and environments, bound to
// hosts: it hands a credential out only for the host that it belongs to. It
// also has the one Dialer that every client of this program uses.
package login
