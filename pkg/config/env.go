package config

import (
	"io/fs"
	"net/netip"
)

// Env is what a configuration is checked against: the machine it is to run on.
// A nil function knows nothing.
type Env struct {
	Hostname string
	CPUs     int

	// Link returns the network interface of that name.
	Link func(name string) (Link, bool)
	// Namespace returns how interfaces are looked up in a network namespace,
	// false if there is none of that name.
	Namespace func(name string) (link func(name string) (Link, bool), ok bool)
	// NetNamespace is the one that the command line names; net_namespace in the
	// file is not asked then.
	NetNamespace string
	// VMAC reports whether an interface is a private macvlan.
	VMAC func(name string) bool
	// User and Group look accounts up.
	User  func(name string) (uid, gid uint32, ok bool)
	Group func(name string) (gid uint32, ok bool)
	// ResolveHost returns the first address of a host name.
	ResolveHost func(name string) (netip.Addr, bool)
	// Stat looks at what a path leads to, Lstat at the path itself.
	Stat, Lstat func(path string) (FileInfo, bool)
	// Path is where programs without a slash are looked for.
	Path []string
	// Regex says why a regular expression of HTTP_GET cannot be used, or nil.
	Regex func(pattern string, options []string) error
	// ReadFile reads a name table of iproute2, such as /etc/iproute2/rt_tables.
	ReadFile func(path string) (string, bool)

	// Keep is what the reader wants of virtual servers.
	Keep Keep
}

// Keep says how much of virtual servers is kept: there may be tens of thousands.
type Keep uint8

// What may be kept. All is checked in any case.
const (
	KeepAll    Keep = iota // for a dump: how they were written, too
	KeepTyped              // what is to be done
	KeepChecks             // nothing, for those who want to know what is wrong or do something else
)

// Link is a network interface.
type Link struct {
	Index     int
	Loopback  bool
	Addr4     netip.Addr // the first IPv4 address
	LinkLocal netip.Addr // the IPv6 link-local address
}

// FileInfo is what matters about a file for the security of scripts.
type FileInfo struct {
	Mode     fs.FileMode
	UID, GID uint32
	Link     string // target of a symbolic link
}

func (e *Env) link(name string) (Link, bool) {
	if e.Link == nil {
		return Link{}, false
	}
	return e.Link(name)
}

func (e *Env) user(name string) (uid, gid uint32, ok bool) {
	if e.User == nil {
		return 0, 0, false
	}
	return e.User(name)
}

func (e *Env) group(name string) (gid uint32, ok bool) {
	if e.Group == nil {
		return 0, false
	}
	return e.Group(name)
}

func (e *Env) lstat(path string) (FileInfo, bool) {
	if e.Lstat == nil {
		return FileInfo{}, false
	}
	return e.Lstat(path)
}

func (e *Env) readFile(path string) (string, bool) {
	if e.ReadFile == nil {
		return "", false
	}
	return e.ReadFile(path)
}

func (e *Env) stat(path string) (FileInfo, bool) {
	if e.Stat == nil {
		return FileInfo{}, false
	}
	return e.Stat(path)
}
