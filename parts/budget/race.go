//go:build race

package budget

// slower is how many times longer work takes under the race detector.
const slower = 20
