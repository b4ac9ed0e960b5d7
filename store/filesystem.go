package store

// filesystem is what matters here of the one that holds a file. The zero value
// is one that isn't known.
type filesystem struct {
	name     string
	local    bool   // memory maps and locks work among all who use it
	volatile string // what it is kept in, where that ends with a container or the machine
}
