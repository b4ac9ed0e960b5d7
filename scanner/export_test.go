package scanner

// Waiting returns how many callers wait for tag lists now.
func (s *Scanner) Waiting() int {
	s.listings.mu.Lock()
	defer s.listings.mu.Unlock()
	n := 0
	for _, e := range s.listings.entries {
		n += e.waiting
	}
	return n
}
