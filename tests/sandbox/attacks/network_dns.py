# status: error
# stderr: gaierror
import socket

socket.getaddrinfo("example.com", 80)
