# status: error
# stderr: OSError
for number in range(1_000_000):
    open(f"/tmp/{number}", "w").close()
