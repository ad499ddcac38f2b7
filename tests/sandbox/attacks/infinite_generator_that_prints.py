# status: output_limit
import itertools

for number in itertools.count():
    print(number)
