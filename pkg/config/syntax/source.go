package syntax

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Options are what the meaning of a configuration depends on besides its text.
type Options struct {
	Source    *Source
	ConfigID  string // what @ID lines compare with: option -i, or the host name up to its first dot
	AllConfig bool   // option -e: every include must succeed
	MaxLines  int    // how many lines definitions and generators may make; 0 means [DefaultMaxLines]
}

// DefaultMaxLines bounds what ~SEQ, multi-line definitions and files included
// more than once may add: some kilobytes of text can ask for any amount.
const DefaultMaxLines = 4_000_000

// Source is where a configuration is read from. It remembers all that it
// answered, so that another process can read exactly the same from the bytes
// that [Source.Save] writes. It is not safe for concurrent use.
type Source struct {
	Seed uint64 // of the numbers that ${_RANDOM} gives, unless random_seed is set

	fsys  fs.FS // rooted at /; nil if everything is remembered
	env   func(string) (string, bool)
	dir   string
	files map[string]*stored
	globs map[string][]string
	vars  map[string]*string
}

// stored is one file as it was found.
type stored struct {
	state fileState
	file  *diag.File // nil unless state is regular or executable
	err   string     // why there is no file
}

type fileState uint8

const (
	missing fileState = iota
	unreadable
	directory
	irregular
	executable
	regular
)

// NewSource reads from a file system that is rooted at / (os.DirFS("/")).
// Relative names of main files start from dir, an absolute path. The
// environment is asked by ${_ENV NAME}; nil has no variables.
func NewSource(fsys fs.FS, dir string, env func(string) (string, bool)) *Source {
	return &Source{fsys: fsys, dir: dir, env: env, files: map[string]*stored{}, globs: map[string][]string{}, vars: map[string]*string{}}
}

// Text returns a source that holds a single file.
func Text(name, text string) *Source {
	s := NewSource(nil, "/", nil)
	s.Add(name, text)
	return s
}

// Add puts a file into the source, as if it had been read already.
func (s *Source) Add(name, text string) {
	s.files[s.abs(s.dir, name)] = &stored{state: regular, file: &diag.File{Name: name, Text: text}}
}

// Files returns the paths of all files that were found, sorted.
func (s *Source) Files() []string {
	var names []string
	for name, f := range s.files {
		if f.state != missing {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// abs is the absolute path of a name in a directory.
func (s *Source) abs(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// read returns the file at an absolute path; shown is the name that the
// operator would give it.
func (s *Source) read(abs, shown string) *stored {
	if f, ok := s.files[abs]; ok {
		return f
	}
	f := s.load(strings.TrimPrefix(abs, "/"), shown)
	s.files[abs] = f
	return f
}

func (s *Source) load(name, shown string) *stored {
	if s.fsys == nil {
		return &stored{state: missing, err: "no such file"}
	}
	if name == "" {
		name = "."
	}
	failed := func(err error) *stored {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		if errors.Is(err, fs.ErrNotExist) {
			return &stored{state: missing, err: "no such file"}
		}
		return &stored{state: unreadable, err: err.Error()}
	}
	// Look before opening: opening a FIFO or a device may block or do harm.
	info, err := fs.Stat(s.fsys, name)
	switch {
	case err != nil:
		return failed(err)
	case info.IsDir():
		return &stored{state: directory, err: "is a directory"}
	case !info.Mode().IsRegular():
		return &stored{state: irregular, err: "is not a regular file"}
	}
	file, err := s.fsys.Open(name)
	if err != nil {
		return failed(err)
	}
	defer file.Close()
	var text strings.Builder
	text.Grow(int(min(info.Size(), maxFile)) + 1)
	if _, err := io.Copy(&text, io.LimitReader(file, maxFile+1)); err != nil {
		return failed(err)
	}
	if text.Len() > maxFile {
		return &stored{state: unreadable, err: "is larger than 1 GiB"}
	}
	f := &stored{state: regular, file: &diag.File{Name: shown, Text: text.String()}}
	if info.Mode().Perm()&0o111 != 0 {
		f.state, f.err = executable, "is executable"
	}
	return f
}

// maxFile bounds a file's size; offsets in it fit 32 bits.
const maxFile = 1 << 30

// glob returns the names that match a pattern without brace lists, sorted.
func (s *Source) glob(pattern string) []string {
	if m, ok := s.globs[pattern]; ok {
		return m
	}
	var found []string
	if s.fsys != nil {
		rel := strings.ReplaceAll(strings.TrimPrefix(path.Clean(pattern), "/"), "[!", "[^")
		matches, _ := fs.Glob(s.fsys, rel) // a bad pattern matches nothing
		for _, m := range matches {
			if !hidden(rel, m) {
				found = append(found, "/"+m)
			}
		}
	}
	slices.Sort(found)
	s.globs[pattern] = found
	return found
}

// hidden reports whether a wildcard took the dot that starts a file's name,
// which the shell's rules do not let it.
func hidden(pattern, name string) bool {
	p, n := strings.Split(pattern, "/"), strings.Split(name, "/")
	for i := range min(len(p), len(n)) {
		if strings.HasPrefix(n[i], ".") && !strings.HasPrefix(p[i], ".") {
			return true
		}
	}
	return false
}

// lookupEnv asks the environment once for each name.
func (s *Source) lookupEnv(name string) (string, bool) {
	v, known := s.vars[name]
	if !known {
		if s.env != nil {
			if value, ok := s.env(name); ok {
				v = &value
			}
		}
		s.vars[name] = v
	}
	if v == nil {
		return "", false
	}
	return *v, true
}

const archiveMagic = "holdfast source 1\n"

// Save writes everything that was read so far: a source made from it gives the
// same tree for the same options, without touching a file.
func (s *Source) Save(to io.Writer) error {
	w := bufio.NewWriter(to) // which passes on long texts as they are
	num := func(n uint64) { w.Write(binary.AppendUvarint(w.AvailableBuffer(), n)) }
	str := func(v string) { num(uint64(len(v))); w.WriteString(v) }
	w.WriteString(archiveMagic)
	num(s.Seed)
	str(s.dir)
	num(uint64(len(s.files)))
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		f := s.files[name]
		str(name)
		w.WriteByte(byte(f.state))
		str(f.err)
		if f.file != nil {
			str(f.file.Name)
			str(f.file.Text)
		}
	}
	num(uint64(len(s.globs)))
	for _, pattern := range slices.Sorted(maps.Keys(s.globs)) {
		str(pattern)
		num(uint64(len(s.globs[pattern])))
		for _, m := range s.globs[pattern] {
			str(m)
		}
	}
	num(uint64(len(s.vars)))
	for _, name := range slices.Sorted(maps.Keys(s.vars)) {
		str(name)
		if v := s.vars[name]; v != nil {
			str("=" + *v)
		} else {
			str("")
		}
	}
	return w.Flush() // it has kept the first error
}

// Saved returns the source that was saved. It answers only what was asked
// before; every other file is missing. Its files share memory with data.
func Saved(data string) (*Source, error) {
	d := archive{data: data}
	if !d.magic() {
		return nil, errors.New("not an archive of configuration files")
	}
	s := NewSource(nil, "/", nil)
	s.Seed = d.uint()
	s.dir = d.str()
	for range d.count() {
		name := d.str()
		f := &stored{state: fileState(d.byte())}
		f.err = d.str()
		if f.state == regular || f.state == executable {
			f.file = &diag.File{Name: d.str()}
			f.file.Text = d.str()
		}
		s.files[name] = f
	}
	for range d.count() {
		pattern := d.str()
		var matches []string
		for range d.count() {
			matches = append(matches, d.str())
		}
		s.globs[pattern] = matches
	}
	for range d.count() {
		name, value := d.str(), d.str()
		s.vars[name] = nil
		if v, ok := strings.CutPrefix(value, "="); ok {
			s.vars[name] = &v
		}
	}
	if d.bad || len(d.data) != 0 {
		return nil, fmt.Errorf("archive of configuration files is damaged, %d bytes before its end", len(d.data))
	}
	return s, nil
}

// archive reads what Save wrote; after damage everything is zero.
type archive struct {
	data string
	bad  bool
}

func (d *archive) magic() (ok bool) {
	d.data, ok = strings.CutPrefix(d.data, archiveMagic)
	return ok
}

func (d *archive) uint() uint64 {
	v, n := binary.Uvarint([]byte(d.data[:min(len(d.data), binary.MaxVarintLen64)]))
	if n <= 0 {
		d.data, d.bad = "", true
		return 0
	}
	d.data = d.data[n:]
	return v
}

// count is a number of things of which each takes at least a byte.
func (d *archive) count() uint64 {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.data, d.bad = "", true
		return 0
	}
	return n
}

func (d *archive) str() string {
	n := d.count()
	s := d.data[:n]
	d.data = d.data[n:]
	return s
}

func (d *archive) byte() byte {
	if d.data == "" {
		d.bad = true
		return 0
	}
	c := d.data[0]
	d.data = d.data[1:]
	return c
}

// Open returns a main file, or the problem that there is none to read.
func (s *Source) Open(name string) (*diag.File, diag.Problem) {
	f := s.read(s.abs(s.dir, name), name)
	if f.state == regular || f.state == executable {
		return f.file, diag.Problem{}
	}
	class := diag.None // as keepalived has it: there is nothing to test
	if f.state == unreadable {
		class = diag.Fatal
	}
	return nil, diag.Problem{
		ID: "no-config-file", Severity: diag.Error, Class: class,
		Text: fmt.Sprintf("cannot read the configuration file %s: %s", name, f.err),
		Hint: "give another file with -f FILE, or create this one",
	}
}
