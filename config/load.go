package config

// File is the bytes of one file. Path is what messages show.
type File struct {
	Path string
	Data []byte
}

// Load reads objects from files and resolves what they refer to. It never
// fails: what is wrong is in the set's Findings and in each object's Err, all at
// once, and a bad object takes only what needs it out of the run. Documents of
// other kinds are passed over.
func Load(files []File, opts Options) *Set {
	return &Set{}
}
