package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
)

// codec encodes messages for gRPC.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) ([]byte, error) {
	m, ok := v.(message)
	if !ok {
		return nil, fmt.Errorf("encode %T: not a message of the registry API", v)
	}
	return m.encode(), nil
}

func (codec) Unmarshal(data []byte, v any) error {
	m, ok := v.(message)
	if !ok {
		return fmt.Errorf("decode %T: not a message of the registry API", v)
	}
	return parse(data, m)
}

const service = "/api.Registry/"

// Client asks a catalog's registry.
type Client struct{ Conn grpc.ClientConnInterface }

// Packages lists the names of all packages.
func (c Client) Packages(ctx context.Context) ([]string, error) {
	list, err := stream[Package](ctx, c, "ListPackages")
	var out []string
	for _, p := range list {
		out = append(out, p.Name)
	}
	return out, err
}

// Bundles lists all bundles, once for each channel, without their CSVs.
func (c Client) Bundles(ctx context.Context) ([]Bundle, error) {
	return stream[Bundle](ctx, c, "ListBundles")
}

// Package reads one package.
func (c Client) Package(ctx context.Context, name string) (Package, error) {
	var p Package
	err := c.Conn.Invoke(ctx, service+"GetPackage", &query{[3]string{name}}, &p, grpc.ForceCodec(codec{}))
	return p, err
}

// Bundle reads one bundle, with its CSV.
func (c Client) Bundle(ctx context.Context, pkg, channel, csv string) (Bundle, error) {
	var b Bundle
	err := c.Conn.Invoke(ctx, service+"GetBundle", &query{[3]string{pkg, channel, csv}}, &b, grpc.ForceCodec(codec{}))
	return b, err
}

// stream reads all messages of a call.
func stream[T any, M interface {
	*T
	message
}](ctx context.Context, c Client, method string) ([]T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.Conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+method, grpc.ForceCodec(codec{}))
	if err == nil {
		err = s.SendMsg(&query{})
	}
	if err == nil {
		err = s.CloseSend()
	}
	if err != nil {
		return nil, err
	}
	var out []T
	for {
		var v T
		err := s.RecvMsg(M(&v))
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}
