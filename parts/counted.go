package parts

import "net"

// countedListener is a listener that counts the bytes of its connections in a log.
type countedListener struct {
	net.Listener
	log *Log
}

func (c countedListener) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{conn, c.log}, nil
}

type countedConn struct {
	net.Conn
	log *Log
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.log.received.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	c.log.sent.Add(int64(len(p))) // before it is sent: a client that has the answer finds it counted
	return c.Conn.Write(p)
}
