package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Keyword is the one declaration of a word of the configuration language: what
// it takes, what it means, and how its value reaches the typed configuration.
// Decoder, range checks, suggestions, explanations, manuals and the TOML form
// are all driven by it.
type Keyword struct {
	Name    string
	Takes   Form
	Tier    byte // 'A' nearly every file, 'B' some, 'C' rare, 'D' old spelling
	Role    Role // who acts on it; 0: whoever acts on its block
	Args    string
	Default string
	Doc     string // one line: what it does
	Unit    string

	// Min and Max bound an Int, and a Seconds or Millis in microseconds.
	Min, Max int64

	Optional bool   // the argument may be left out
	Alone    bool   // a second argument is an error, and the first does not count then
	Lax      bool   // without its argument it is an ordinary error, else reading stops
	Use      string // the modern spelling of an old one
	Old      bool   // using it is reported as an error
	Ours     bool   // keepalived does not know it
	Pending  bool   // kept and checked, but not in effect yet
	Strict   bool   // of a command: an unknown user is an error
	Twice    Twice  // what a second one in the same block means

	Block *Block // what its braces hold, for a Sub, and the options of a line, for Items

	set  func(*decoder, *arg)          // takes the value
	open func(*decoder, *arg) bool     // before a Sub or Items is read; false refuses the block
	item func(*decoder, []syntax.Word) // one line of Items
	end  func(*decoder)                // after the closing brace
	bad  func(*decoder)                // instead of set, when the argument cannot be read

	// scratch prepares the reading of a refused block for its mistakes: it
	// puts something in place that is thrown away. Each open that may refuse
	// has it.
	scratch func(*decoder, syntax.Word)
}

// Twice says what happens when a keyword is given twice in a block.
type Twice uint8

// The ways to take a keyword a second time.
const (
	LastCounts  Twice = iota // silently
	FirstCounts              // the second one is an error and ignored
	Replaces                 // the second one is an error, but counts
)

// Form is how a keyword's arguments are read.
type Form uint8

// The forms of keywords.
const (
	Flag    Form = iota // none
	Bool                // nothing for true, or a word for true or false
	Int                 // a decimal integer
	Seconds             // decimal seconds, to the microsecond
	Millis              // decimal milliseconds, to the microsecond
	Text                // one word
	Addr                // an IP address
	Exec                // a command, and perhaps its user and group
	Words               // anything else
	Items               // braces around lines of values
	Sub                 // braces around keywords
	Option              // a word within a line of values
)

// Block is a set of keywords that may stand together.
type Block struct {
	Keywords []Keyword
	Common   *Block // shared with other blocks

	once  sync.Once
	index map[string]*Keyword

	sorted sync.Once
	names  []string
}

// Lookup returns the keyword of that name, or nil.
func (b *Block) Lookup(name string) *Keyword {
	b.once.Do(func() {
		b.index = make(map[string]*Keyword, len(b.Keywords)+16)
		for c := b; c != nil; c = c.Common {
			for i := range c.Keywords {
				if _, ok := b.index[c.Keywords[i].Name]; !ok {
					b.index[c.Keywords[i].Name] = &c.Keywords[i]
				}
			}
		}
	})
	return b.index[name]
}

// Names returns the names of the block's keywords, sorted. The caller must not
// change the list.
func (b *Block) Names() []string {
	b.Lookup("")
	b.sorted.Do(func() { b.names = slices.Sorted(maps.Keys(b.index)) })
	return b.names
}

// All returns the block's keywords in the order of their declaration.
func (b *Block) All() []*Keyword {
	var all []*Keyword
	for c := b; c != nil; c = c.Common {
		for i := range c.Keywords {
			if b.Lookup(c.Keywords[i].Name) == &c.Keywords[i] {
				all = append(all, &c.Keywords[i])
			}
		}
	}
	return all
}

// RootPath is the path of keywords at the top level.
const RootPath = "(root)"

// Root returns the block of the top level.
func Root() *Block { return &rootBlock }

// Walk calls f for every keyword, with the path of the block that holds it:
// the names of the blocks joined by "/", or [RootPath].
func Walk(f func(path string, k *Keyword)) { walk(RootPath, &rootBlock, f) }

func walk(path string, b *Block, f func(string, *Keyword)) {
	for _, k := range b.All() {
		f(path, k)
	}
	for _, k := range b.All() {
		if k.Block == nil {
			continue
		}
		sub := path + "/" + k.Name
		if path == RootPath {
			sub = k.Name
		}
		walk(sub, k.Block, f)
	}
}

// Find returns the keywords of that name, each with its path.
func Find(name string) (paths []string, keywords []*Keyword) {
	f := byName()[name]
	return f.paths, f.keywords
}

// found are the keywords of one name.
type found struct {
	paths    []string
	keywords []*Keyword
}

// byName finds keywords wherever they stand; it is made when first asked for.
var byName = sync.OnceValue(func() map[string]found {
	all := make(map[string]found)
	Walk(func(path string, k *Keyword) {
		f := all[k.Name]
		all[k.Name] = found{append(f.paths, path), append(f.keywords, k)}
	})
	return all
})

// Synopsis is the keyword's arguments as shown to people, such as "<1..255>".
func (k *Keyword) Synopsis() string {
	if k.Args != "" {
		return k.Args
	}
	var s string
	switch k.Takes {
	case Flag:
		return ""
	case Bool:
		return "[true|false]"
	case Int:
		s = "<" + k.Range() + ">"
	case Seconds:
		s = "<seconds " + k.Range() + ">"
	case Millis:
		s = "<ms " + k.Range() + ">"
	case Addr:
		s = "<address>"
	case Exec:
		s = `"<command>" [<user> [<group>]]`
	case Items, Sub:
		return "{ … }"
	default:
		return ""
	}
	if k.Optional {
		return "[" + s + "]"
	}
	return s
}

// Range is the range of a number as shown to people, such as "1..255".
func (k *Keyword) Range() string {
	switch k.Takes {
	case Int:
		return fmt.Sprintf("%d..%d", k.Min, k.Max)
	case Seconds:
		return decimal(k.Min, 6) + ".." + decimal(k.Max, 6)
	case Millis:
		return decimal(k.Min, 3) + ".." + decimal(k.Max, 3)
	}
	return ""
}

// decimal prints n units of 10^-places without trailing zeros.
func decimal(n int64, places int) string {
	scale := int64(1)
	for range places {
		scale *= 10
	}
	s := fmt.Sprintf("%d.%0*d", n/scale, places, n%scale)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Role is a set of the processes that read the configuration.
type Role uint8

// The processes.
const (
	Parent Role = 1 << iota
	VRRP
	Checkers
	BFD
	Everyone = Parent | VRRP | Checkers | BFD
)
