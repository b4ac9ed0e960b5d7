// Package selector finds out what each policy selects in one cycle, and answers what
// is asked about candidates: from the registry, and from the ledger if it knows.
// Every question is asked once a cycle.
//
//	Selector     scans images, ranks their tags, and puts gates before them
//	  Selection  what one policy selects
//	    Inquiry  answers the questions of decide and gate about a policy's sites
package selector
