// Package claim tells objects by their group and kind, and says of bytes that can't be
// parsed which objects they may hold: those that are read, and those that may guard a
// write. It is pure, and knows no field of any object.
package claim
