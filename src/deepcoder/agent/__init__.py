"""The agent: one async loop over any LangChain chat model, with three tools."""

from deepcoder.agent.events import AgentEvent, EventKind, OnEvent
from deepcoder.agent.loop import NOTHING_WRITTEN, run_agent
from deepcoder.agent.prompts import first_message
from deepcoder.agent.start import Start, begun
from deepcoder.agent.tools import make_tools, offers_of

__all__ = [
    "NOTHING_WRITTEN",
    "AgentEvent",
    "EventKind",
    "OnEvent",
    "Start",
    "begun",
    "first_message",
    "make_tools",
    "offers_of",
    "run_agent",
]
