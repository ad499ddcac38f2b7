# status: error
# stderr: OSError
for number in range(200):
    with open(f"/dev/shm/{number}", "wb") as file:
        file.write(b"x" * (1 << 20))
