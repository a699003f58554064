package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"time"

	gorilla "github.com/gorilla/websocket"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/transport/websocket"
)

// Stream is a WebSocket connection through the API server whose binary messages are plain bytes, such as the serial
// console of a VM.
type Stream struct {
	conn *gorilla.Conn
	rest io.Reader // of the current message
}

// Stream opens a path that upgrades to a protocol, with the TLS settings and the login of the client. The context
// bounds the handshake, not the stream.
func (c *Client) Stream(ctx context.Context, p, protocol string) (*Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	wrapped, holder, err := websocket.RoundTripperFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("set up WebSocket: %w", err)
	}
	u := *c.base
	u.Path = path.Join(u.Path, p)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", p, err)
	}
	conn, err := websocket.Negotiate(wrapped, holder, req, protocol)
	if refused := (*httpstream.UpgradeFailureError)(nil); errors.As(err, &refused) {
		err = refused.Cause // which the error does not unwrap to
	}
	if err != nil {
		return nil, err
	}
	return &Stream{conn: conn}, nil
}

// Read waits for bytes. The error is io.EOF when the other side has closed the stream as it should.
func (s *Stream) Read(p []byte) (int, error) {
	for {
		if s.rest == nil {
			_, message, err := s.conn.NextReader()
			if gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
				return 0, io.EOF
			}
			if err != nil {
				return 0, err
			}
			s.rest = message
		}
		n, err := s.rest.Read(p)
		if errors.Is(err, io.EOF) {
			s.rest, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// writeTime bounds one write: a server that does not read must not hold up the caller.
const writeTime = 5 * time.Second

// Write sends one binary message.
func (s *Stream) Write(p []byte) (int, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	if err := s.conn.WriteMessage(gorilla.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close ends the stream; a Read that waits returns.
func (s *Stream) Close() error {
	message := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "")
	_ = s.conn.WriteControl(gorilla.CloseMessage, message, time.Now().Add(time.Second)) // the socket is closed anyway
	return s.conn.Close()
}
