package asset

// From0 to From7 declare an asset by its inputs and the pure function that
// computes it from them. The compiler checks every edge of the graph.

// From0 declares an asset without inputs.
func From0[T any](name string, fn func(Env) (T, error), opts ...Option) Asset[T] {
	return declare[T](name, opts, func(e Env, _ []any) (any, error) { return fn(e) })
}

// From1 declares an asset with one input.
func From1[A, T any](name string, a Asset[A], fn func(Env, A) (T, error), opts ...Option) Asset[T] {
	return declare[T](name, opts, func(e Env, in []any) (any, error) { return fn(e, in[0].(A)) }, a.n)
}

// From2 declares an asset with two inputs.
func From2[A, B, T any](name string, a Asset[A], b Asset[B], fn func(Env, A, B) (T, error), opts ...Option) Asset[T] {
	compute := func(env Env, in []any) (any, error) { return fn(env, in[0].(A), in[1].(B)) }
	return declare[T](name, opts, compute, a.n, b.n)
}

// From3 declares an asset with three inputs.
func From3[A, B, C, T any](
	name string, a Asset[A], b Asset[B], c Asset[C],
	fn func(Env, A, B, C) (T, error), opts ...Option,
) Asset[T] {
	compute := func(env Env, in []any) (any, error) { return fn(env, in[0].(A), in[1].(B), in[2].(C)) }
	return declare[T](name, opts, compute, a.n, b.n, c.n)
}

// From4 declares an asset with four inputs.
func From4[A, B, C, D, T any](
	name string, a Asset[A], b Asset[B], c Asset[C], d Asset[D],
	fn func(Env, A, B, C, D) (T, error), opts ...Option,
) Asset[T] {
	compute := func(env Env, in []any) (any, error) { return fn(env, in[0].(A), in[1].(B), in[2].(C), in[3].(D)) }
	return declare[T](name, opts, compute, a.n, b.n, c.n, d.n)
}

// From5 declares an asset with five inputs.
func From5[A, B, C, D, E, T any](
	name string, a Asset[A], b Asset[B], c Asset[C], d Asset[D], e Asset[E],
	fn func(Env, A, B, C, D, E) (T, error), opts ...Option,
) Asset[T] {
	compute := func(env Env, in []any) (any, error) {
		return fn(env, in[0].(A), in[1].(B), in[2].(C), in[3].(D), in[4].(E))
	}
	return declare[T](name, opts, compute, a.n, b.n, c.n, d.n, e.n)
}

// From6 declares an asset with six inputs.
func From6[A, B, C, D, E, F, T any](
	name string, a Asset[A], b Asset[B], c Asset[C], d Asset[D], e Asset[E], f Asset[F],
	fn func(Env, A, B, C, D, E, F) (T, error), opts ...Option,
) Asset[T] {
	compute := func(env Env, in []any) (any, error) {
		return fn(env, in[0].(A), in[1].(B), in[2].(C), in[3].(D), in[4].(E), in[5].(F))
	}
	return declare[T](name, opts, compute, a.n, b.n, c.n, d.n, e.n, f.n)
}

// From7 declares an asset with seven inputs.
func From7[A, B, C, D, E, F, G, T any](
	name string, a Asset[A], b Asset[B], c Asset[C], d Asset[D], e Asset[E], f Asset[F], g Asset[G],
	fn func(Env, A, B, C, D, E, F, G) (T, error), opts ...Option,
) Asset[T] {
	compute := func(env Env, in []any) (any, error) {
		return fn(env, in[0].(A), in[1].(B), in[2].(C), in[3].(D), in[4].(E), in[5].(F), in[6].(G))
	}
	return declare[T](name, opts, compute, a.n, b.n, c.n, d.n, e.n, f.n, g.n)
}
