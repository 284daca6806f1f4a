// Go's own clients against llm_server: net/http over crypto/tls, HTTP/1.1 and HTTP/2. Standard library only.
//
//	go_client -port 41237 -ca cert.pem -api anthropic -stream -count 3
//	go_client -port 41237 -ca cert.pem -http2 -workers 20 -count 5
//
// Every worker makes `count` exchanges; with HTTP/2 all of them share a connection, with HTTP/1.1 each has its own.
// Prints "READY PID" and waits for a line on stdin with -hold; the exit code is 0 if every answer was whole.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	port     = flag.Int("port", 0, "of the server")
	ca       = flag.String("ca", "", "its certificate")
	api      = flag.String("api", "openai", "openai or anthropic")
	stream   = flag.Bool("stream", false, "streamed answers")
	count    = flag.Int("count", 1, "exchanges of each worker")
	workers  = flag.Int("workers", 1, "at once")
	http2    = flag.Bool("http2", false, "HTTP/2")
	query    = flag.String("query", "", "options for the server")
	prompt   = flag.Int("prompt-bytes", 400, "length of the prompt")
	procs    = flag.Int("procs", 0, "threads that run Go code; 0: as many as there are processors")
	fresh    = flag.Bool("reconnect", false, "a connection for each exchange")
	chunked  = flag.Bool("chunked-request", false, "a request body of unknown length")
	deep     = flag.Bool("deep", false, "call from a small stack, so that it has to grow within the calls")
	hold     = flag.Bool("hold", false, "after the first exchange, wait for a line on stdin")
	cancel   = flag.Int("cancel-after", 0, "give up each answer after so many bytes")
	busy     = flag.Bool("busy", false, "keep all threads busy, so that goroutines move between them")
	deadline = flag.Bool("deadline", false, "before each exchange on a raw connection, let a read run into its deadline")
)

func body(number int) []byte {
	text := fmt.Sprintf("#%d.%d %s", os.Getpid(), number, strings.Repeat("what becomes of this text? ", *prompt/27+1))
	request := map[string]any{"messages": []map[string]string{{"role": "user", "content": text}}}
	if *api == "anthropic" {
		request["model"], request["max_tokens"] = "claude-sonnet-4-5", 1024
	} else {
		request["model"] = "gpt-4o-mini"
		if *stream {
			request["stream_options"] = map[string]bool{"include_usage": true}
		}
	}
	if *stream {
		request["stream"] = true
	}
	out, _ := json.Marshal(request)
	return out
}

func url() string {
	path := "/v1/chat/completions"
	if *api == "anthropic" {
		path = "/v1/messages"
	}
	if *query != "" {
		path += "?" + *query
	}
	return fmt.Sprintf("https://localhost:%d%s", *port, path)
}

// Keeps its argument from being seen as a constant length.
type onlyReader struct{ io.Reader }

func exchange(client *http.Client, number int) error {
	var content io.Reader = bytes.NewReader(body(number))
	if *chunked {
		content = onlyReader{content}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	request, err := http.NewRequestWithContext(ctx, "POST", url(), content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sk-test-0000")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if *cancel > 0 {
		_, err = io.ReadFull(response.Body, make([]byte, *cancel))
		return err
	}
	if _, err = io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != 200 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

//go:noinline
func onDeepStack(depth int, call func() error) error {
	var room [64]byte
	room[depth%64] = byte(depth)
	if depth == 0 {
		return call()
	}
	err := onDeepStack(depth-1, call)
	runtime.KeepAlive(&room)
	return err
}

// One exchange on a connection of its own, by hand: reads that time out come before the answer.
func rawExchange(config *tls.Config, number int) error {
	connection, err := tls.Dial("tcp", fmt.Sprintf("localhost:%d", *port), config)
	if err != nil {
		return err
	}
	defer connection.Close()
	buffer := make([]byte, 4096)
	connection.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := connection.Read(buffer); n != 0 || err == nil {
		return fmt.Errorf("read %d bytes of nothing", n)
	}
	connection.SetReadDeadline(time.Time{})
	request, err := http.NewRequest("POST", url(), bytes.NewReader(body(number)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if err = request.Write(connection); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func main() {
	flag.Parse()
	if *procs > 0 {
		runtime.GOMAXPROCS(*procs)
	}
	pem, err := os.ReadFile(*ca)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots}
	newClient := func() *http.Client {
		transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: *http2, DisableKeepAlives: *fresh}
		if !*http2 {
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		return &http.Client{Transport: transport}
	}
	if *busy {
		for i := 0; i < 2*runtime.GOMAXPROCS(0); i++ {
			go func() {
				for {
					runtime.Gosched()
				}
			}()
		}
	}
	shared := newClient()
	var failed atomic.Int64
	if *hold {
		if err := exchange(shared, 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed.Add(1)
		}
		fmt.Println("READY", os.Getpid())
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	var all sync.WaitGroup
	for worker := 0; worker < *workers; worker++ {
		client := shared
		if !*http2 && !*hold {
			client = newClient()
		}
		all.Add(1)
		go func(worker int) {
			defer all.Done()
			for i := 0; i < *count; i++ {
				number := worker**count + i + 1
				call := func() error { return exchange(client, number) }
				if *deadline {
					call = func() error { return rawExchange(config, number) }
				}
				err := error(nil)
				if *deep {
					done := make(chan error)
					depth := number % 200
					go func() { done <- onDeepStack(depth, call) }()
					err = <-done
				} else {
					err = call()
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					failed.Add(1)
				}
			}
			client.CloseIdleConnections()
		}(worker)
	}
	all.Wait()
	if failed.Load() > 0 {
		os.Exit(1)
	}
}
