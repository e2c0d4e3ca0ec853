package reference

import (
	"encoding/json"
	"sort"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
)

// schema is a JSON schema, or a part of one.
type schema map[string]any

// Schema returns the JSON schema of holdfast.toml and of check --dump json, for
// editors.
func Schema() string {
	s := schemaMaker{defs: schema{
		"words": schema{"type": "array", "items": schema{"type": []string{"string", "number", "boolean", "array"}}},
		"lines": schema{"type": "array", "items": schema{"anyOf": []schema{{"type": "string"}, {"$ref": "#/$defs/words"}}}},
	}}
	root := s.block(config.Root())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "holdfast configuration"
	root["$defs"] = s.defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(out) + "\n"
}

type schemaMaker struct {
	defs  schema
	named map[*config.Block]string
}

// block is the schema of a table; blocks that occur several times are named.
func (s *schemaMaker) block(b *config.Block) schema {
	props := schema{}
	for _, k := range b.All() {
		props[k.Name] = s.keyword(k)
	}
	return schema{"type": "object", "properties": props, "additionalProperties": false}
}

// table is the schema of a block's table, with the keys for its arguments.
func (s *schemaMaker) table(k *config.Keyword) schema {
	t := schema{"type": "object", "additionalProperties": false, "properties": schema{}}
	if k.Takes == config.Sub {
		t = s.block(k.Block)
	}
	props := t["properties"].(schema)
	for _, key := range convert.HeaderKeys(k) {
		if _, taken := props[key]; !taken {
			props[key] = schema{"type": []string{"string", "integer", "array"}}
		}
	}
	if k.Takes == config.Items {
		props["lines"] = schema{"$ref": "#/$defs/lines"}
	}
	return t
}

func (s *schemaMaker) keyword(k *config.Keyword) schema {
	var out schema
	switch k.Takes {
	case config.Items, config.Sub:
		if k.Takes == config.Items && k.Args == "" {
			out = schema{"$ref": "#/$defs/lines"}
			break
		}
		name := s.name(k)
		ref := schema{"$ref": "#/$defs/" + name}
		out = schema{"anyOf": []schema{ref, {"type": "array", "items": ref}}}
	case config.Flag, config.Bool:
		out = schema{"type": []string{"boolean", "string", "array"}}
	case config.Int:
		out = schema{"type": []string{"integer", "string", "array"}, "minimum": k.Min, "maximum": k.Max}
	case config.Seconds:
		out = schema{"type": []string{"number", "string", "array"}, "minimum": float64(k.Min) / 1e6, "maximum": float64(k.Max) / 1e6}
	case config.Millis:
		out = schema{"type": []string{"number", "string", "array"}, "minimum": float64(k.Min) / 1e3, "maximum": float64(k.Max) / 1e3}
	case config.Text, config.Addr, config.Exec:
		out = schema{"type": []string{"string", "array"}}
	default:
		out = schema{"type": []string{"string", "number", "boolean", "array"}}
	}
	if k.Optional && k.Takes != config.Sub && k.Takes != config.Items {
		types, _ := out["type"].([]string)
		out["type"] = append(types, "boolean")
		sort.Strings(out["type"].([]string))
		out["type"] = unique(out["type"].([]string))
	}
	if k.Doc != "" {
		out["description"] = k.Doc
	}
	if k.Default != "" {
		out["description"] = strings.TrimSpace(k.Doc + ". Default: " + k.Default)
	}
	return out
}

func unique(s []string) (out []string) {
	for i, x := range s {
		if i == 0 || x != s[i-1] {
			out = append(out, x)
		}
	}
	return out
}

// name puts the table of a block into the definitions, once.
func (s *schemaMaker) name(k *config.Keyword) string {
	if s.named == nil {
		s.named = map[*config.Block]string{}
	}
	if n, ok := s.named[k.Block]; ok && k.Block != nil && strings.HasPrefix(n, k.Name) {
		return n
	}
	n := k.Name
	for i := 2; s.defs[n] != nil; i++ {
		n = k.Name + string(rune('0'+i))
	}
	s.defs[n] = schema{}
	if k.Block != nil {
		s.named[k.Block] = n
	}
	s.defs[n] = s.table(k)
	return n
}
