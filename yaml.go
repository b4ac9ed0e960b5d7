package pinsetter

// CountNodes estimates, without parsing it, how many nodes a YAML text has at
// most: keys, values, items, and those that are empty.
func CountNodes(data []byte) int {
	n := 1
	for i, b := range data {
		switch b {
		case '\n', '[', '{', ':':
			n++
		case ',':
			n += 2 // {a,b} has keys and empty values
		case '-', '?':
			if i+1 < len(data) && (data[i+1] == ' ' || data[i+1] == '\t') {
				n++
			}
		}
	}
	return n
}
