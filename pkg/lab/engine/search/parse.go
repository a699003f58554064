package search

import (
	"fmt"
	"regexp"
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
	if !p.at(end) && !p.atTail() {
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
	end
)

type token struct {
	kind kind
	text string
}

var nextToken = regexp.MustCompile(`^(?:[()]|"[^"]*"|'[^']*'|[<>!]?=|[<>]|[^ \t\r\n()=<>!"']+)`)

// lex splits a text into tokens, of which the last is end.
func lex(text string) ([]token, error) {
	var out []token
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return append(out, token{kind: end}), nil
		}
		t := token{word, nextToken.FindString(text)}
		if t.text == "" {
			return nil, fmt.Errorf("search text has an open quote or an unknown operator at %q", text)
		}
		text = text[len(t.text):]
		switch t.text[0] {
		case '(':
			t.kind = open
		case ')':
			t.kind = shut
		case '"', '\'':
			t = token{quoted, t.text[1 : len(t.text)-1]}
		case '=', '<', '>', '!':
			t.kind = operator
		}
		out = append(out, t)
	}
}

type parser struct{ tokens []token }

func (p *parser) at(k kind) bool { return p.tokens[0].kind == k }

// next takes a token; it does not go beyond the end.
func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// atKeyword reports whether a keyword comes next. It may be the name of a field
// as well: an operator follows then.
func (p *parser) atKeyword(name string) bool {
	return p.at(word) && strings.EqualFold(p.tokens[0].text, name) && p.tokens[1].kind != operator
}

// keyword takes a keyword, if it comes next.
func (p *parser) keyword(name string) bool {
	found := p.atKeyword(name)
	if found {
		p.next()
	}
	return found
}

func (p *parser) atTail() bool { return p.atKeyword("sortby") || p.atKeyword("page") }

func (p *parser) or(depth int) (expr, error) {
	left, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right expr
		if right, err = p.and(depth); err == nil {
			left = both(left, right, or)
		}
	}
	return left, err
}

func (p *parser) and(depth int) (expr, error) {
	left, err := p.term(depth)
	for err == nil && !p.at(end) && !p.at(shut) && !p.atTail() && !p.atKeyword("or") {
		p.keyword("and") // two conditions side by side mean AND as well
		var right expr
		if right, err = p.term(depth); err == nil {
			left = both(left, right, and)
		}
	}
	return left, err
}

func (p *parser) term(depth int) (expr, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("search text is nested more than %d levels deep", maxDepth)
	}
	if p.keyword("not") {
		inner, err := p.term(depth + 1)
		return not(inner), err
	}
	switch t := p.next(); t.kind {
	case open:
		inner, err := p.or(depth + 1)
		if err == nil && p.next().kind != shut {
			err = fmt.Errorf("search text lacks a closing parenthesis")
		}
		return inner, err
	case word, quoted:
		return p.condition(t)
	case end:
		return nil, fmt.Errorf("search text ends where a condition is due")
	default:
		return nil, fmt.Errorf("search text has %q where a condition is due", t.text)
	}
}

func (p *parser) condition(first token) (expr, error) {
	if !p.at(operator) {
		return condition("name", "=", first.text), nil
	}
	op, value := p.next().text, p.next()
	if first.kind != word || value.kind != word && value.kind != quoted {
		return nil, fmt.Errorf("search text lacks a field or a value around %q", op)
	}
	return condition(strings.ToLower(first.text), op, value.text), nil
}

// tail reads sortby and page.
func (p *parser) tail(q *Query) error {
	for !p.at(end) {
		switch {
		case p.keyword("sortby"):
			field := p.next()
			if field.kind != word {
				return fmt.Errorf("search text lacks a field after sortby")
			}
			q.sortBy = strings.ToLower(field.text)
			if q.desc = p.keyword("desc"); !q.desc {
				p.keyword("asc")
			}
		case p.keyword("page"):
			n, err := strconv.Atoi(p.next().text)
			if err != nil || n < 1 {
				return fmt.Errorf("search text has no number after page")
			}
			q.Page = n
		default:
			return fmt.Errorf("search text has %q left over", p.tokens[0].text)
		}
	}
	return nil
}
