// Package selector selects a candidate for each policy of one cycle, and answers
// questions about candidates: from the ledger if it knows, else from the registry.
// No question is asked twice in a cycle.
//
//	Selector     scans images, ranks their tags, and puts gates before them
//	  Selection  the candidates of one policy
//	    Inquiry  answers the questions of decide and gate about a policy's sites
package selector
