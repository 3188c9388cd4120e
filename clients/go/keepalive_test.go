package bayar

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// relay passes bytes between clients and an address, until the connections of a moment fall silent.
type relay struct {
	address  string
	listener net.Listener
	mutex    sync.Mutex
	living   map[net.Conn]bool
}

func startRelay(t *testing.T, address string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	relay := &relay{address: address, listener: listener, living: map[net.Conn]bool{}}
	go relay.accept()
	return relay
}

func (relay *relay) accept() {
	for {
		near, err := relay.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", relay.address)
		if err != nil {
			near.Close()
			return
		}
		relay.mutex.Lock()
		relay.living[near] = true
		relay.mutex.Unlock()
		go relay.pass(near, near, far)
		go relay.pass(near, far, near)
	}
}

func (relay *relay) pass(line, from net.Conn, to io.WriteCloser) {
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		count, err := from.Read(buffer)
		if err != nil {
			return
		}
		relay.mutex.Lock()
		isLiving := relay.living[line]
		relay.mutex.Unlock()
		if isLiving {
			to.Write(buffer[:count])
		}
	}
}

// silence lets the connections that there are stay open, and passes nothing on over them any more.
func (relay *relay) silence() {
	relay.mutex.Lock()
	relay.living = map[net.Conn]bool{}
	relay.mutex.Unlock()
}

func TestACallOverADeadConnectionIsSentAgainOverANewOne(t *testing.T) {
	t.Parallel() // grpc-go sends no ping before 10 s of silence
	var calls int32
	var between *relay
	address := serve(t, func(*pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error) {
		if atomic.AddInt32(&calls, 1) == 1 {
			between.silence()
		}
		return &pb.CreatePaymentResponse{}, nil
	})
	between = startRelay(t, address)
	soon := grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 100 * time.Millisecond})
	client := open(t, between.listener.Addr().String(), WithDialOptions(soon))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := client.Payments.CreatePayment(ctx, order()); err != nil || atomic.LoadInt32(&calls) != 2 {
		t.Error(calls, err)
	}
}

func TestAClientPingsNoMoreOftenThanTheServicePermits(t *testing.T) {
	if keepaliveTime != 20*time.Second || keepaliveTimeout != 10*time.Second {
		t.Error(keepaliveTime, keepaliveTimeout)
	}
}
