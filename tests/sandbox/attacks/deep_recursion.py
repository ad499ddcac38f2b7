# status: error
# stderr: RecursionError
def again():
    again()


again()
