# status: timeout
number = 3 ** (10**9)
