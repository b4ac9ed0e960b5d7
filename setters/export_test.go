package setters

// FindByParser is Find without the lexer.
func FindByParser(path string, data []byte) *File { return find(path, data, ask) }
