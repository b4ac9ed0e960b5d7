package store

// filesystem describes the file system of a file. The zero value is an unknown
// one.
type filesystem struct {
	name     string
	local    bool   // memory maps and locks work among all its users
	volatile string // the medium, if it ends with a container or the machine
}
