package director

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/dump"
)

// orders are what the operator has said of real servers, by the names of their
// virtual servers and their own, where it is not Ready. They outlive the process.
type orders map[string]map[string]order

type order struct {
	State Admin     `json:"state"`
	Until time.Time `json:"until,omitzero"` // of a drain
}

// MarshalText and UnmarshalText write the state as a word.
func (a Admin) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a *Admin) UnmarshalText(b []byte) error {
	for _, known := range []Admin{Ready, Drain, Maint} {
		if known.String() == string(b) {
			*a = known
			return nil
		}
	}
	return errors.New("no such administrative state: " + string(b))
}

// orders returns what is to be remembered.
func (p *policy) orders() orders {
	all := make(orders)
	for _, pl := range p.pools {
		for _, s := range pl.servers {
			if s.admin == Ready {
				continue
			}
			if all[pl.name] == nil {
				all[pl.name] = make(map[string]order)
			}
			all[pl.name][s.name()] = order{s.admin, s.deadline}
		}
	}
	return all
}

// obey takes over what an earlier process was told of a server.
func (o orders) obey(pl *pool, s *server) {
	if said, ok := o[pl.name]; ok {
		s.admin, s.deadline = said[s.name()].State, said[s.name()].Until
	}
	for i := range s.checks {
		s.checks[i].spec.Suspended = pl.muted(s)
	}
}

// recall reads the orders of an earlier process. No file is no orders.
func recall(path string) (orders, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var o orders
	if err == nil {
		err = json.Unmarshal(b, &o)
	}
	return o, err
}

// remember writes the orders for the next process. No orders are no file.
func remember(path string, o orders) error {
	if path == "" {
		return nil
	}
	if len(o) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return dump.Replace(path, append(b, '\n'))
}
