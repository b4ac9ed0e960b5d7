// Package adopt finds the references in files that no marker moves, and
// proposes markers and objects for them. It is pure: files and tag lists in,
// new bytes out.
//
// Only comments are inserted, by setters.Sheet.Insert, and only objects are
// written, by Append.
package adopt
