"""`deepcoder view`: trajectories in the terminal and as one self-contained HTML page.

`items` holds the page's data contract and `page` writes it; the evaluation report uses both.
"""

from deepcoder.view.command import view
from deepcoder.view.items import Item, item_of
from deepcoder.view.page import page, page_parts

__all__ = ["Item", "item_of", "page", "page_parts", "view"]
