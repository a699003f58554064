package ovirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Upload is content to be written to a disk through imageio.
type Upload struct {
	DiskID string
	Format string // cow for QCOW2 content, else raw
	Source io.ReaderAt
	Size   int64
	// Chunk is how much is sent at once, or again after a failure. Default 64 MiB.
	Chunk int64
	// Limit bounds the engine's own steps before and after. Default 15 min.
	Limit time.Duration
	// Progress is told what has arrived.
	Progress func(sent, total int64)
}

const (
	// stall ends a request that moves nothing for so long: the engine pauses a
	// transfer after 60 s without data.
	stall = 45 * time.Second
	// chunkTries is how often one chunk is sent.
	chunkTries = 6
)

// Upload fills a disk and returns when the disk is usable. If it fails or ctx
// ends, the transfer is cancelled; the disk is then of no use and may be gone.
func (c *Client) Upload(ctx context.Context, u Upload) error {
	u.Chunk, u.Limit = cmp.Or(u.Chunk, 64<<20), cmp.Or(u.Limit, 15*time.Minute)
	if u.Progress == nil {
		u.Progress = func(int64, int64) {}
	}
	t, err := c.startUpload(ctx, u.DiskID, u.Format, u.Limit)
	if err == nil {
		err = c.transfer(ctx, t, u)
	}
	if err == nil {
		return nil
	}
	if t.ID != "" {
		// ctx may be over; an open transfer would keep the disk locked for long.
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if cerr := c.CancelTransfer(clean, t, time.Minute); cerr != nil {
			err = errors.Join(err, cerr)
		}
	}
	return fmt.Errorf("upload image: %w", err)
}

func (c *Client) transfer(ctx context.Context, t Transfer, u Upload) error {
	s := &sender{c: c, u: u, t: t, http: c.imageHTTP()}
	defer s.http.CloseIdleConnections()
	if err := s.pick(ctx); err != nil {
		return err
	}
	for at := int64(0); at < u.Size; {
		n := min(u.Chunk, u.Size-at)
		if err := s.chunk(ctx, at, n); err != nil {
			return err
		}
		at += n
		u.Progress(at, u.Size)
	}
	if err := gone(c.finalize(ctx, t.ID)); err != nil {
		return err
	}
	if err := c.waitTransfer(ctx, t.ID, u.Limit, TransferFinished); err != nil {
		return err
	}
	_, err := c.WaitDisk(ctx, u.DiskID, u.Limit)
	return err
}

// imageHTTP verifies imageio with the engine's CA: the same one signs it.
func (c *Client) imageHTTP() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       c.tls.Clone(),
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 2 * stall,
		IdleConnTimeout:       stall,
	}}
}

// sender sends the chunks of one upload.
type sender struct {
	c    *Client
	u    Upload
	t    Transfer
	http *http.Client
	urls []string // usable ones, best first
}

// pick finds out which of the addresses answer: the host itself is faster, the
// engine's proxy is there for when the host cannot be reached from here.
func (s *sender) pick(ctx context.Context) error {
	var last error
	for _, url := range []string{s.t.URL, s.t.ProxyURL} {
		if url == "" {
			continue
		}
		if err := s.options(ctx, url); err != nil {
			last = err
			s.c.opt.Log.Debug("imageio does not answer", "url", host(url), "err", err)
			continue
		}
		s.urls = append(s.urls, url)
	}
	if len(s.urls) > 0 {
		return nil
	}
	if last == nil {
		return &Error{Op: "reach imageio", Kind: Broken, Detail: "the engine named no address for the transfer"}
	}
	return last
}

func (s *sender) options(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, url, nil)
	if err != nil {
		return err
	}
	return s.do(req)
}

// do sends one request and judges the answer. The ticket in the URL is a
// credential, so errors name only the host.
func (s *sender) do(req *http.Request) error {
	op := "reach imageio at " + req.URL.Host
	resp, err := s.http.Do(req)
	if err != nil {
		if cause := context.Cause(req.Context()); cause != nil {
			return fmt.Errorf("%s: %w", op, cause)
		}
		e := unanswered(op, err, Unavailable)
		switch e.Kind {
		case Unreachable:
			e.Advice = "check that " + req.URL.Host + " resolves and is not blocked by a firewall"
		case UntrustedCA:
			e.Advice = "the engine's CA in ovirt-config.yaml must also sign imageio's certificate"
		}
		return e
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	if resp.StatusCode < 399 {
		return nil
	}
	kind := Refused
	switch {
	case resp.StatusCode >= 500:
		kind = Unavailable
	case resp.StatusCode == 403, resp.StatusCode == 404:
		kind = Expired // the ticket
	}
	return &Error{Op: op, Kind: kind, Status: resp.StatusCode, Detail: fmt.Sprintf("HTTP status %d %s",
		resp.StatusCode, text)}
}

// chunk sends one range until it has arrived.
func (s *sender) chunk(ctx context.Context, at, n int64) error {
	pause := s.c.opt.Poll / 2
	for try := 1; ; try++ {
		err := s.put(ctx, s.urls[0], at, n)
		if err == nil || ctx.Err() != nil || Is(err, Refused, UntrustedCA) || try >= chunkTries {
			return err
		}
		s.c.opt.Log.Debug("sending to imageio failed, trying again", "offset", at, "try", try, "err", err)
		if try%2 == 0 && len(s.urls) > 1 {
			s.urls[0], s.urls[1] = s.urls[1], s.urls[0]
		}
		if s.c.opt.Clock.Sleep(ctx, pause) != nil {
			return err
		}
		pause = min(2*pause, 5*s.c.opt.Poll)
		if rerr := s.revive(ctx); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
}

// revive wakes a transfer that the engine paused for lack of data.
func (s *sender) revive(ctx context.Context) error {
	t, err := s.c.getTransfer(ctx, s.t.ID)
	if err == nil && t.Phase == TransferPaused {
		err = s.c.resume(ctx, s.t.ID)
	}
	if err != nil {
		return permanent(err)
	}
	return s.c.waitTransfer(ctx, s.t.ID, s.u.Limit, TransferReady)
}

func (s *sender) put(ctx context.Context, url string, at, n int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := &Error{Op: "send image", Kind: Unavailable, Detail: fmt.Sprintf("nothing moved for %s", stall)}
	timer := time.AfterFunc(stall, func() { cancel(stalled) })
	defer timer.Stop()
	if at+n < s.u.Size {
		url += "?flush=n" // the last chunk flushes all
	}
	sent := at
	body := io.TeeReader(io.NewSectionReader(s.u.Source, at, n), moved(func(n int) {
		sent += int64(n)
		timer.Reset(stall)
		s.u.Progress(sent, s.u.Size)
	}))
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, body)
	if err != nil {
		return err
	}
	req.ContentLength = n
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, at+n-1, s.u.Size))
	return s.do(req)
}

// moved is told how much the transport takes.
type moved func(n int)

func (m moved) Write(p []byte) (int, error) {
	m(len(p))
	return len(p), nil
}
