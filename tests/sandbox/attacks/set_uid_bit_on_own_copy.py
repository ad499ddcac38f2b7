# status: ok
# stdout: contained
import os

open("/tmp/own", "w").close()
os.chmod("/tmp/own", 0o6777)
print("contained" if os.statvfs("/tmp").f_flag & os.ST_NOSUID else "ESCAPED")
print("contained" if os.getuid() == 1000 and os.stat("/tmp/own").st_uid == 1000 else "ESCAPED")
