package diag

import "strings"

// Suggest returns the candidate that the operator most likely meant by word, or
// "" when none is near enough to be worth a guess. Case and the difference
// between "-" and "_" weigh less than other typing errors.
func Suggest(word string, candidates []string) string {
	best, least := "", 2*max(1, len(word)/3)+1
	for _, c := range candidates {
		if len(c) == len(word) && strings.EqualFold(c, strings.ReplaceAll(word, "-", "_")) {
			return c
		}
		d := distance(word, c, least)
		if n := len(c) - len(word); n > 0 && n <= 4 && len(word) >= 4 && strings.HasPrefix(c, word) {
			d = 1 // the end was forgotten
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance in half steps: an
// insertion, deletion, replacement or swap of neighbours costs 2, a change
// that keeps the letter's case-folded or separator-folded value costs 1. It
// stops counting above limit.
func distance(a, b string, limit int) int {
	if d := 2 * (len(a) - len(b)); d > limit || -d > limit || len(a) > 64 || len(b) > 64 {
		return limit + 1
	}
	var rows [3][65]int
	for j := range len(b) + 1 {
		rows[0][j] = 2 * j
	}
	for i := 1; i <= len(a); i++ {
		row, up, upup := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = 2 * i
		least := row[0]
		for j := 1; j <= len(b); j++ {
			d := min(up[j]+2, row[j-1]+2, up[j-1]+change(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, upup[j-2]+2)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > limit {
			return limit + 1
		}
	}
	return rows[len(a)%3][len(b)]
}

func change(x, y byte) int {
	switch {
	case x == y:
		return 0
	case strings.EqualFold(string(x), string(y)), x == '-' && y == '_', x == '_' && y == '-':
		return 1
	}
	return 2
}
