# status: error
# stderr: OSError
for number in range(200):
    with open(f"/tmp/{number}", "wb") as file:
        file.write(b"x" * (1 << 20))
