package registry

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Content is what a registry in this process serves, for tests.
type Content struct {
	Packages []Package
	Bundles  []Bundle
}

// Server serves content.
func Server(c *Content) *grpc.Server {
	s := grpc.NewServer(grpc.ForceServerCodec(codec{}))
	unary := func(name string, answer func(q query) (message, error)) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: name, Handler: func(_ any, _ context.Context, decode func(any) error,
			_ grpc.UnaryServerInterceptor) (any, error) {
			var q query
			if err := decode(&q); err != nil {
				return nil, err
			}
			return answer(q)
		}}
	}
	streamed := func(name string, all func() []message) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: name, ServerStreams: true, Handler: func(_ any, out grpc.ServerStream) error {
			if err := out.RecvMsg(&query{}); err != nil {
				return err
			}
			for _, m := range all() {
				if err := out.SendMsg(m); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	missing := func() error { return status.Error(codes.Unknown, "no entry found") }
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "api.Registry", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			unary("GetPackage", func(q query) (message, error) {
				i := slices.IndexFunc(c.Packages, func(p Package) bool { return p.Name == q.texts[0] })
				if i < 0 {
					return nil, missing()
				}
				return &c.Packages[i], nil
			}),
			unary("GetBundle", func(q query) (message, error) {
				i := slices.IndexFunc(c.Bundles, func(b Bundle) bool {
					return [3]string{b.Package, b.Channel, b.CSV} == q.texts
				})
				if i < 0 {
					return nil, missing()
				}
				return &c.Bundles[i], nil
			}),
		},
		Streams: []grpc.StreamDesc{
			streamed("ListPackages", func() (out []message) {
				for _, p := range c.Packages {
					out = append(out, &Package{Name: p.Name})
				}
				return out
			}),
			streamed("ListBundles", func() (out []message) {
				for _, b := range c.Bundles {
					b.CSVJSON = ""
					out = append(out, &b)
				}
				return out
			}),
		},
	}, struct{}{})
	return s
}
