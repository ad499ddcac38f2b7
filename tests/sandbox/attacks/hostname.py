# status: ok
# stdout: contained
import socket

print("contained" if socket.gethostname() == "sandbox" else "ESCAPED")
