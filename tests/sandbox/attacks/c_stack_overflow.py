# status: killed
nested = ()
for _ in range(500_000):
    nested = (nested,)
hash(nested)
