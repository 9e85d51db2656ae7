"""Trouble is told once: what is wrong with this warehouse, said where people look, and said again when it is over.

``troubles`` keeps which troubles are open and what has still to be said; ``finding`` sees them after a run; ``telling``
puts them into words and sends them; ``channels`` knows how Slack, Feishu, DingTalk, mail and a file want them. Does not
belong here: judging data (contracts, expectations, ``orchestration.silence``); showing the state (``status``).
"""
