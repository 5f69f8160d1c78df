package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// edge sends requests over a fixed number of HTTP/2 connections, in turn.
type edge struct {
	connections []*http.Transport
	next        atomic.Uint64
}

// connect opens the connections and asks each for /healthz, which the edge answers itself: no function wakes from this, and no
// request of the load waits for a handshake.
func connect(p plan) (*edge, error) {
	pem, err := os.ReadFile(p.CaFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", p.CaFile)
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	e := &edge{}
	for range p.Connections {
		transport := &http.Transport{
			// The name is the certificate's; the address is where it is reached, hosts file or not.
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, p.Address)
			},
			TLSClientConfig:    &tls.Config{RootCAs: roots},
			ForceAttemptHTTP2:  true,
			DisableCompression: true,
		}
		client := http.Client{Transport: transport, Timeout: 10 * time.Second}
		answer, err := client.Get(p.Origin + "/healthz")
		if err != nil {
			return nil, err
		}
		if _, err = io.Copy(io.Discard, answer.Body); err != nil {
			return nil, err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
			return nil, fmt.Errorf("%s/healthz answered %d over %s", p.Origin, answer.StatusCode, answer.Proto)
		}
		e.connections = append(e.connections, transport)
	}
	return e, nil
}

// RoundTrip gives a gRPC answer its trailers as headers: vegeta reads headers alone, and the status of a call is a trailer.
func (e *edge) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Del("X-Vegeta-Seq")
	answer, err := e.connections[e.next.Add(1)%uint64(len(e.connections))].RoundTrip(request)
	if err != nil || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/grpc") {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	for name, values := range answer.Trailer {
		answer.Header[name] = values
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}
