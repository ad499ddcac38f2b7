# status: ok
# stdout: contained
# A socketpair is allowed; giving an end a name, or sending to one, is not.
import socket

left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for attempt in (
    lambda: left.bind("\0name"),
    lambda: left.connect("\0name"),
    lambda: left.sendto(b"x", "\0name"),
    lambda: left.sendmsg([b"x"], [], 0, "\0name"),
):
    try:
        attempt()
        print("ESCAPED")
    except PermissionError:
        print("contained")
