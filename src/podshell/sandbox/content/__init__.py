"""What the two sandbox clusters hold: a small web shop, and pods in every state that a user of shells meets.

`nodes.py` has the nodes, `manifests.py` builds workloads, `shop.py` lists them; `load.py` makes pods without processes for load.
All of it is data: plain objects that a cluster puts into its store before it starts.
"""

from podshell.sandbox.content.shop import Content, full_content, small_content

__all__ = ["Content", "full_content", "small_content"]
