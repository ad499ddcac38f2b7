# status: error
# stderr: PermissionError
import socket

socket.socket(socket.AF_UNIX).bind("/tmp/socket")
