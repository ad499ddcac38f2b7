# status: timeout
table = {number * (2**61 - 1): 0 for number in range(1_000_000)}
