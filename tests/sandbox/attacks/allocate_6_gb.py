# status: memory
block = bytearray(6 << 30)
