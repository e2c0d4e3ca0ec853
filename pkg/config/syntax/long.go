package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPiece is how much of a long line one definition takes. Half of a line, as
// each of its bytes may need a backslash.
const maxPiece = maxLine/2 - 32

// shortWord is what is not worth a definition.
const shortWord = 64

// shorten divides the text of a logical line that does not fit a line of a
// file: it returns definitions, each a line of its own to be written first, and
// the line that uses them.
func shorten(text string, room int) (definitions []string, line string) {
	var b strings.Builder
	define := func(value string) {
		if len(definitions) == 0 {
			definitions = append(definitions, "$"+nothing+"=")
		}
		name := "_" + strconv.Itoa(len(definitions))
		definitions = append(definitions, "$"+name+"="+value)
		b.WriteString("${" + name + "}")
	}
	for text != "" {
		switch n := stretch(text); {
		case len(text) <= room-b.Len():
			b.WriteString(text)
			text = ""
		case n > 0 && n <= shortWord && b.Len()+n < room/2:
			b.WriteString(text[:n])
			text = text[n:]
		case n > 0:
			define(text[:n])
			text = text[n:]
		case strings.IndexByte(blanks, text[0]) >= 0:
			b.WriteByte(text[0])
			text = text[1:]
		default: // a single word, too long for a definition
			end := len(text)
			if text[0] == '"' {
				end = strings.IndexByte(text[1:], '"') + 2
			} else if n := strings.IndexAny(text, `"`+blanks); n > 0 {
				end = n
			}
			for word := text[:end]; word != ""; {
				n := piece(word)
				if n == 0 {
					b.WriteByte('"')
					n = 1
				} else {
					define(protect(word[:n]))
				}
				word = word[n:]
			}
			text = text[end:]
		}
	}
	return definitions, b.String()
}

// stretch is how much of the text fits a definition as whole words, quotes and
// all; 0 if the first word does not.
func stretch(text string) (n int) {
	quoted := false
	for i := 0; i < len(text) && i < maxPiece; i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte(blanks, c) >= 0 && i > 0 && text[i-1] != '\\' && strings.IndexByte(blanks, text[i-1]) < 0:
			n = i
		}
		if i == 0 && strings.IndexByte(blanks, text[0]) >= 0 {
			return 0
		}
	}
	return n
}

// piece is how much of a word one definition takes; 0 if the word begins with a
// quote.
func piece(word string) int {
	n := min(len(word), maxPiece)
	if i := strings.IndexByte(word[:n], '"'); i >= 0 {
		return i
	}
	for n < len(word) && n > 1 && !utf8.RuneStart(word[n]) {
		n--
	}
	return n
}

// nothing is a definition of nothing, to stand between the end of a value and
// what would be lost there.
const nothing = "_0"

// protect keeps a part of a word whole as the value of a definition: what would
// start a comment, blanks at its ends, a backslash that would continue the line.
func protect(s string) string {
	ends := s[:1] + s[len(s)-1:]
	s = strings.NewReplacer("#", `\#`, "!", `\!`).Replace(s)
	if strings.ContainsAny(ends, `\`+blanks) {
		s = "${" + nothing + "}" + s + "${" + nothing + "}"
	}
	return s
}
