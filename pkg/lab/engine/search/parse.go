package search

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds the nesting of a query that comes from outside.
const maxDepth = 64

// Parse reads a query. A bare word is a condition on the name.
func Parse(text string) (Query, error) {
	tokens, err := lex(text)
	if err != nil {
		return Query{}, err
	}
	p := &parser{tokens: tokens}
	var q Query
	if !p.done() && !p.atTail() {
		if q.expr, err = p.or(0); err != nil {
			return Query{}, err
		}
	}
	if err := p.tail(&q); err != nil {
		return Query{}, err
	}
	return q, nil
}

type kind int

const (
	word kind = iota
	quoted
	operator
	open
	shut
)

type token struct {
	kind kind
	text string
}

func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(':
			out = append(out, token{open, "("})
			i++
		case c == ')':
			out = append(out, token{shut, ")"})
			i++
		case c == '"' || c == '\'':
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return nil, fmt.Errorf("search text has an open quote at %d", i)
			}
			out = append(out, token{quoted, text[i+1 : i+1+end]})
			i += end + 2
		case strings.IndexByte("=<>!", c) >= 0:
			op := string(c)
			if i+1 < len(text) && text[i+1] == '=' {
				op += "="
			}
			if op == "!" || op == "==" {
				return nil, fmt.Errorf("search text has an unknown operator at %d", i)
			}
			out = append(out, token{operator, op})
			i += len(op)
		default:
			end := i
			for end < len(text) && strings.IndexByte(" \t\r\n()=<>!\"'", text[end]) < 0 {
				end++
			}
			out = append(out, token{word, text[i:end]})
			i = end
		}
	}
	return out, nil
}

type parser struct {
	tokens []token
	at     int
}

func (p *parser) done() bool { return p.at >= len(p.tokens) }

func (p *parser) keyword(name string) bool {
	if p.done() || p.tokens[p.at].kind != word || !strings.EqualFold(p.tokens[p.at].text, name) {
		return false
	}
	// "name" may be a field as well as a keyword: a condition follows then.
	if p.at+1 < len(p.tokens) && p.tokens[p.at+1].kind == operator {
		return false
	}
	p.at++
	return true
}

func (p *parser) atTail() bool {
	start := p.at
	ok := p.keyword("sortby") || p.keyword("page")
	p.at = start
	return ok
}

func (p *parser) or(depth int) (node, error) {
	left, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right node
		if right, err = p.and(depth); err == nil {
			left = or{left, right}
		}
	}
	return left, err
}

func (p *parser) and(depth int) (node, error) {
	left, err := p.term(depth)
	for err == nil && !p.done() && p.tokens[p.at].kind != shut && !p.atTail() {
		start := p.at
		if p.keyword("or") {
			p.at = start
			break
		}
		p.keyword("and") // two conditions side by side mean AND as well
		var right node
		if right, err = p.term(depth); err == nil {
			left = and{left, right}
		}
	}
	return left, err
}

func (p *parser) term(depth int) (node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("search text is nested more than %d levels deep", maxDepth)
	}
	if p.keyword("not") {
		inner, err := p.term(depth + 1)
		return not{inner}, err
	}
	if p.done() {
		return nil, fmt.Errorf("search text ends where a condition is due")
	}
	t := p.tokens[p.at]
	p.at++
	switch t.kind {
	case open:
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.done() || p.tokens[p.at].kind != shut {
			return nil, fmt.Errorf("search text lacks a closing parenthesis")
		}
		p.at++
		return inner, nil
	case word, quoted:
		return p.condition(t)
	}
	return nil, fmt.Errorf("search text has %q where a condition is due", t.text)
}

func (p *parser) condition(t token) (node, error) {
	if p.done() || p.tokens[p.at].kind != operator {
		return condition{"name", "=", t.text}, nil
	}
	op := p.tokens[p.at].text
	p.at++
	if t.kind != word || p.done() || (p.tokens[p.at].kind != word && p.tokens[p.at].kind != quoted) {
		return nil, fmt.Errorf("search text lacks a field or a value around %q", op)
	}
	value := p.tokens[p.at].text
	p.at++
	// "Vms.name" and "name" are the same for a search among VMs.
	field := strings.ToLower(t.text)
	return condition{field, op, value}, nil
}

func (p *parser) tail(q *Query) error {
	for !p.done() {
		switch {
		case p.keyword("sortby"):
			if p.done() || p.tokens[p.at].kind != word {
				return fmt.Errorf("search text lacks a field after sortby")
			}
			q.sortBy = strings.ToLower(p.tokens[p.at].text)
			p.at++
			if p.keyword("desc") {
				q.desc = true
			} else {
				p.keyword("asc")
			}
		case p.keyword("page"):
			if p.done() {
				return fmt.Errorf("search text lacks a number after page")
			}
			n, err := strconv.Atoi(p.tokens[p.at].text)
			if err != nil || n < 1 {
				return fmt.Errorf("search text has no number after page")
			}
			q.Page = n
			p.at++
		default:
			return fmt.Errorf("search text has %q left over", p.tokens[p.at].text)
		}
	}
	return nil
}
