"""Trajectories for others: files that other trainers read, and a data set on the Hugging Face hub."""

from deepcoder.sharing.chats import FORMATS
from deepcoder.sharing.export import export
from deepcoder.sharing.push import Upload, prepare_upload, push

__all__ = ["FORMATS", "Upload", "export", "prepare_upload", "push"]
