# status: output_limit
# limits: memory_mb=1024 cpu_s=5.0
raise RuntimeError("x" * 100_000_000)
