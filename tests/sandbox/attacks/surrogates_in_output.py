# status: error
# stderr: UnicodeEncodeError
print("\ud800")
