"""The student's chat template and tokenizer: what prepare, training and every engine must agree on.

The template is plain ChatML with no think logic, saved with the student's checkpoint: what it is trained
on and what an engine renders are the same bytes, and the prompt of a step is a strict prefix of the
prompt of the next one, so that an engine's prefix cache holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepcoder.config import StudentConfig
from deepcoder.errors import AlignmentError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TURN = "<|im_end|>"
END_OF_TEXT = "<|endoftext|>"  # a base model without turns ends with it; Qwen names both as ends
# In a student's folder without weights: {"model": directory or hub name, "adapter": subfolder or absent}.
REFERENCE = "reference.json"

CHATML_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def student_tokenizer(student: StudentConfig) -> PreTrainedTokenizerFast:
    """The tokenizer that `student` names, its `chat_template` set to the one that is trained.

    `student.tokenizer` where given, else the tokenizer of `student.model`. Raises AlignmentError where it
    cannot be loaded, gives no character offsets (a slow tokenizer) or lacks a native template.
    """
    tokenizer: PreTrainedTokenizerFast = _load(student)
    name = student.tokenizer or student.model
    if not getattr(tokenizer, "is_fast", False):
        raise AlignmentError(
            f"the tokenizer of {name} is {type(tokenizer).__name__}, which gives no character offsets",
            hint="use a fast tokenizer (a directory with a tokenizer.json)",
        )
    if student.template == "chatml":
        tokenizer.chat_template = CHATML_TEMPLATE
    elif not isinstance(tokenizer.chat_template, str):
        raise AlignmentError(f"the tokenizer of {name} has no chat template", hint="set student.template=chatml")
    return tokenizer


def _load(student: StudentConfig) -> Any:
    if student.tokenizer is None and student.model == "nano":
        from deepcoder.models.nano import load_tokenizer

        return load_tokenizer()
    from transformers import AutoTokenizer

    name = str(student.tokenizer or student.model)
    if student.tokenizer is not None and not student.tokenizer.is_dir():
        raise AlignmentError(f"student.tokenizer={name} is not a directory", hint="it must hold a tokenizer.json")
    try:
        return AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise AlignmentError(f"the tokenizer of {name} cannot be loaded: {error}") from None
