// Package syntax reads keepalived's configuration language: lines and words,
// quotes and comments, braces, includes, conditions, definitions and generated
// lines. It knows no keyword but include and include_check.
//
// keepalived reads its language line by line and lets the keyword decide
// whether a block follows, so how a file with wrong braces is understood
// depends on the keywords. Parse therefore returns the flat stream of logical
// lines as keepalived sees them ([Tree.Lines]), in which a brace is a line of
// its own; [Tree.Nodes] is the same stream nested by its braces alone, for
// those who print or convert a file.
package syntax

import (
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Word is one word of a logical line, quotes and escapes resolved.
type Word struct {
	Text   string
	At     diag.Span // where the operator typed it; with Via, see there
	Via    *Origin   // not nil if the text came out of a definition or a generator
	Quoted bool      // it stood in double quotes
}

// Origin tells how a word came to stand where keepalived reads it. If the whole
// word was typed in the definition, Word.At points into the definition and
// Origin.At at the place of use; if the word was put together (as in
// 192.0.2.${N}), Word.At is the word at the place of use and Origin.At the
// definition.
type Origin struct {
	Text string    // what to say about At, such as "used here, as $PRIO"
	At   diag.Span // the other place; nowhere for predefined names
	Up   *Origin   // the next one out, if the place of use was generated itself
}

// Notes returns the origin as a chain of notes for a problem with the word.
func (o *Origin) Notes() []diag.Note {
	var notes []diag.Note
	for ; o != nil && len(notes) < 4; o = o.Up {
		n := diag.Note{At: o.At, Text: o.Text}
		if slices.Contains(notes, n) {
			break // a definition that uses itself
		}
		notes = append(notes, n)
	}
	return notes
}

// Kind says what a logical line is.
type Kind uint8

// The kinds of logical lines.
const (
	Plain Kind = iota // a keyword and its arguments; Words is not empty
	Open              // an opening brace
	Close             // a closing brace
)

// Line is one logical line as keepalived reads it: at most one keyword. Braces
// outside quotes are lines of their own, wherever they stood.
type Line struct {
	Words []Word    // Words[0] is the keyword; empty for a brace
	Text  string    // the line as it was split into words: commands are split by other rules
	At    diag.Span // the words, or the brace
	Via   *Origin   // for a brace: as in Word
	Kind  Kind
}

// Tree is what was read.
type Tree struct {
	Lines    Lines
	Files    []*diag.File // in the order in which they were first read; the first is the main file
	Comments []Comment    // of the files' own lines, in the order of reading
	End      diag.Span    // the end of the main file
	Used     Feature      // what Lines no longer show
}

// Feature is a set of the language's means of saying less, or other things on
// other machines. They are gone from a tree: printing it writes them out.
type Feature uint8

// The features.
const (
	Conditions  Feature = 1 << iota // @ID lines
	Definitions                     // $NAME
	Generators                      // ~SEQ and ~LST
	Includes
	Environment // ${_ENV NAME}, ${_RANDOM}, ${_INSTANCE} and ${_PWD}
)

func (f Feature) String() string {
	var names []string
	for i, name := range []string{"conditions", "definitions", "generators", "includes", "predefined names"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Comment is a comment as typed, with its # or !, up to the end of the line.
type Comment struct {
	At   diag.Span
	Next int  // index in Tree.Lines of the first line read after it
	Tail bool // it follows text on the same line
}

// Text is the comment without its marks and blanks.
func (c Comment) Text() string { return trimComment(c.At.Text()) }

// Node is a logical line with the block that follows it.
//
// Braces that belong to no keyword are kept too, so that the nodes tell the
// same as the lines: a Node without Words and with Block set is a block that
// nothing announces, one without Words and Block is a closing brace too many.
type Node struct {
	Words    []Word
	Text     string // not empty: what Format writes instead of the words
	Block    bool
	Open     diag.Span // zero if there is no block
	Close    diag.Span // zero if the closing brace is missing
	Children []*Node
	Before   []Comment // comments on the lines above
	After    []Comment // comments behind the words or the opening brace
	Inside   []Comment // comments between the last child and the closing brace
	Behind   []Comment // comments behind the closing brace
}

// Keyword is the first word, or "" for a stray brace.
func (n *Node) Keyword() string {
	if len(n.Words) == 0 {
		return ""
	}
	return n.Words[0].Text
}

func trimComment(s string) string {
	return strings.TrimSpace(strings.TrimLeft(s, "#! \t"))
}
