# status: killed
import os

os.abort()
