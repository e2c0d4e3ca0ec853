package ipvs

// Entry is one service with its destinations.
type Entry struct {
	Service

	// Destinations are in the order in which they are to be added, which some
	// schedulers notice. No two have the same address and port.
	Destinations []Destination
}

// Table is a set of services in the order in which they are to be added. No two
// have the same key. Nil is the empty table.
type Table []Entry

// Find returns the entry with the given key, or nil. It looks at every entry.
func (t Table) Find(k Key) *Entry {
	for i := range t {
		if t[i].Key == k {
			return &t[i]
		}
	}
	return nil
}

// Only returns the entries whose key is owned. It shares memory with t.
func (t Table) Only(owned func(Key) bool) Table {
	var out Table
	for _, e := range t {
		if owned(e.Key) {
			out = append(out, e)
		}
	}
	return out
}
