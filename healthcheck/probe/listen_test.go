package probe

import "golang.org/x/sys/unix"

// listenOne shortens the queue of a listener.
func listenOne(fd int) error { return unix.Listen(fd, 0) }
