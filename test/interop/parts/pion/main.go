// A DTLS 1.2 peer on pion for the interop tests. As a server it sends every message back; as a client it sends the lines
// of its standard input with their line feeds, prints what comes back, and begins a new connection at the line
// `reconnect`. It ends when its standard input closes. It tells `started`, and `connected` with what was negotiated, a
// line each.
//
// Argument: a JSON object, see `options`.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
)

type options struct {
	Role         string             `json:"role"` // server or client
	Port         int                `json:"port"`
	Suite        dtls.CipherSuiteID `json:"suite"`
	Identity     string             `json:"identity"`
	Key          string             `json:"psk"` // hex
	Certificate  string             `json:"certificate"`
	PrivateKey   string             `json:"privateKey"`
	Authority    string             `json:"authority"`
	Mutual       bool               `json:"mutual"`
	ServerName   string             `json:"serverName"`
	MTU          int                `json:"mtu"`
	ConnectionID *int               `json:"connectionId"` // bytes; absent: none are negotiated
	Old          bool               `json:"old"`          // without extended master secret
}

// sessions is a store for as long as the program lives.
type sessions struct {
	mutex sync.Mutex
	known map[string]dtls.Session
}

func (s *sessions) Set(key []byte, session dtls.Session) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.known[string(key)] = session
	return nil
}

func (s *sessions) Get(key []byte) (dtls.Session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.known[string(key)], nil
}

func (s *sessions) Del(key []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.known, string(key))
	return nil
}

func main() {
	var o options
	if err := json.Unmarshal([]byte(os.Args[1]), &o); err != nil {
		fail(err)
	}
	common, err := commonOptions(o)
	if err != nil {
		fail(err)
	}
	if o.Role == "server" {
		err = serve(o, common)
	} else {
		err = ask(o, common)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Println("failed", err)
	os.Exit(1)
}

func commonOptions(o options) ([]dtls.Option, error) {
	key, err := hex.DecodeString(o.Key)
	if err != nil {
		return nil, err
	}
	secret := dtls.RequireExtendedMasterSecret
	if o.Old {
		secret = dtls.DisableExtendedMasterSecret
	}
	list := []dtls.Option{
		dtls.WithCipherSuites(o.Suite),
		dtls.WithExtendedMasterSecret(secret),
		dtls.WithSessionStore(&sessions{known: map[string]dtls.Session{}}),
	}
	if o.MTU > 0 {
		list = append(list, dtls.WithMTU(o.MTU))
	}
	if o.ConnectionID != nil {
		list = append(list, dtls.WithConnectionIDGenerator(dtls.RandomCIDGenerator(*o.ConnectionID)))
	}
	if o.Key != "" {
		list = append(list, dtls.WithPSK(func(other []byte) ([]byte, error) {
			// A server is asked for the identity of its client, a client for the hint of its server.
			if o.Role == "server" && string(other) != o.Identity {
				return nil, errors.New("unknown identity")
			}
			return key, nil
		}))
		if o.Role == "client" {
			list = append(list, dtls.WithPSKIdentityHint([]byte(o.Identity)))
		}
	}
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.PrivateKey)
		if err != nil {
			return nil, err
		}
		list = append(list, dtls.WithCertificates(pair))
	}
	return list, nil
}

func authority(o options) (*x509.CertPool, error) {
	pem, err := os.ReadFile(o.Authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate of an authority")
	}
	return pool, nil
}

func address(port int) *net.UDPAddr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
}

func handshake(conn *dtls.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return conn.HandshakeContext(ctx)
}

func serve(o options, common []dtls.Option) error {
	list := []dtls.ServerOption{}
	for _, option := range common {
		list = append(list, option)
	}
	if o.Mutual {
		pool, err := authority(o)
		if err != nil {
			return err
		}
		list = append(list, dtls.WithClientAuth(dtls.RequireAndVerifyClientCert), dtls.WithClientCAs(pool))
	}
	listener, err := dtls.ListenWithOptions("udp", address(o.Port), list...)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				fail(err)
			}
			go repeat(conn.(*dtls.Conn))
		}
	}()
	fmt.Println("started")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
	}
	return nil
}

func repeat(conn *dtls.Conn) {
	defer conn.Close()
	if err := handshake(conn); err != nil {
		fmt.Println("refused", err)
		return
	}
	tell(conn, false)
	buffer := make([]byte, 16384)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			fmt.Println("closed", err)
			return
		}
		fmt.Printf("received %s\n", bytes.TrimRight(buffer[:n], "\n"))
		if _, err := conn.Write(buffer[:n]); err != nil {
			fmt.Println("unsent", err)
		}
	}
}

func tell(conn *dtls.Conn, resumed bool) {
	state, _ := conn.ConnectionState()
	fmt.Printf("connected suite=%s resumed=%v\n", state.CipherSuiteID, resumed)
}

func ask(o options, common []dtls.Option) error {
	list := []dtls.ClientOption{}
	for _, option := range common {
		list = append(list, option)
	}
	if o.Authority != "" {
		pool, err := authority(o)
		if err != nil {
			return err
		}
		list = append(list, dtls.WithRootCAs(pool))
	}
	if o.ServerName != "" {
		list = append(list, dtls.WithServerName(o.ServerName))
	}
	var before []byte
	connect := func() (*dtls.Conn, error) {
		conn, err := dtls.DialWithOptions("udp", address(o.Port), list...)
		if err != nil {
			return nil, err
		}
		if err := handshake(conn); err != nil {
			return nil, err
		}
		state, _ := conn.ConnectionState()
		tell(conn, len(state.SessionID) > 0 && bytes.Equal(state.SessionID, before))
		before = bytes.Clone(state.SessionID)
		go show(conn)
		return conn, nil
	}
	conn, err := connect()
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "reconnect" {
			conn.Close()
			if conn, err = connect(); err != nil {
				return err
			}
		} else if _, err := conn.Write([]byte(lines.Text() + "\n")); err != nil {
			return err
		}
	}
	return conn.Close()
}

func show(conn *dtls.Conn) {
	buffer := make([]byte, 16384)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			fmt.Println("closed", err)
			return
		}
		fmt.Printf("%s\n", bytes.TrimRight(buffer[:n], "\n"))
	}
}
