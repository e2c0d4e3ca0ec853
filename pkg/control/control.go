// Package control is the one mechanism between holdfast's processes, and
// between them and the command line: a Unix socket that speaks JSON, one
// message a line.
//
// A client sends requests
//
//	{"id":1,"method":"snapshot"}
//	{"id":2,"method":"standby","params":{"instance":"VI_1","for":"30m"}}
//
// and gets one answer to each, in order:
//
//	{"id":1,"result":{…}}
//	{"id":2,"error":"no instance is called VI_1"}
//
// After a request "events" the same connection also carries every event that
// the role publishes, until the client hangs up:
//
//	{"event":"transition","time":"2026-11-20T16:01:15.123456Z","data":{…}}
//
// A client that does not keep up with the events is disconnected; it can
// connect again and ask for the state, so that no change goes unnoticed.
//
// The socket has mode 0600, and a peer that runs neither as root nor as the
// daemon's own user is refused whatever the file's mode has become.
package control

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"time"
)

// Limits against a client that asks too much.
const (
	maxRequest = 1 << 20 // bytes in one request line
	maxClients = 64      // connections at once
	maxQueue   = 1024    // messages that wait for one client
)

// Event is something that happened in a role, for whoever watches.
type Event struct {
	Kind string          `json:"event"`
	Time time.Time       `json:"time"`
	Data json.RawMessage `json:"data,omitempty"`
}

// ErrNotRunning means that nobody serves the socket.
var ErrNotRunning = errors.New("not running")

// RemoteError is the refusal of a request by the other side.
type RemoteError string

func (e RemoteError) Error() string { return string(e) }

// Snapshot is the method that every role has: all that it knows, as of now.
const Snapshot = "snapshot"

// Sync is the method of the checkers role that answers with a [SyncStatus].
const Sync = "sync"

// methodEvents asks for all events from now on.
const methodEvents = "events"

type request struct {
	ID     uint64          `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

type answer struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Names of the roles, as in socket paths and pid files.
const (
	VRRP     = "vrrp"
	Checkers = "checkers"
	BFD      = "bfd"
)

// defaultDir holds the sockets of the instance that uses the default paths.
const defaultDir = "/run/holdfast"

// SocketPath is where the role with this pid file serves its socket: beside
// the pid file, with .sock in place of .pid, so that several instances on one
// host keep apart. Only the default pid files, /run/ROLE.pid, which lie among
// those of the whole system, have their sockets at /run/holdfast/ROLE.sock.
func SocketPath(pidFile, role string) string {
	if pidFile == "" || pidFile == "/run/"+role+".pid" || pidFile == "/var/run/"+role+".pid" {
		return filepath.Join(defaultDir, role+".sock")
	}
	return strings.TrimSuffix(pidFile, ".pid") + ".sock"
}
