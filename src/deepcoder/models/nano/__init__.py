"""nano: a Qwen3 mixture of experts of 12.1 M parameters that two CPU cores train and run.

    from deepcoder.models.nano import load_nano, load_tokenizer, nano_config

Same architecture class as the real student (Qwen3-30B-A3B), so that every code path is the real one:
routed experts stored as 3-D parameters, grouped-query attention with q/k norms, a tied head. The
package carries its tokenizer and, where it has been pre-trained, its base checkpoint with hashes.
"""

from deepcoder.models.nano.architecture import nano_config
from deepcoder.models.nano.loading import Nano, load_nano, load_tokenizer

__all__ = ["Nano", "load_nano", "load_tokenizer", "nano_config"]
