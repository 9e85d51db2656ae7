"""What Great Expectations imports and never uses here, left for later: import this module before it.

GX imports every module of every expectation that it has; ``scipy.stats`` alone is a quarter of that time, for distances
between distributions that no check of ours asks for. Whatever does ask for it loads it then.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class LoadedWhenUsed(ModuleType):
    """Stands for a module until an attribute of it is asked for.

    ``importlib.util.LazyLoader`` loads at any look, such as those of ``inspect`` at all modules that there are.
    """

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


def load_when_used(package: str, name: str) -> None:
    """Have ``from package import name`` give a module that is loaded at its first use. Nothing where it is loaded or
    not installed."""
    spec = importlib.util.find_spec(f"{package}.{name}")
    if spec is None or spec.name in sys.modules:
        return
    module = LoadedWhenUsed(spec.name)
    module.__file__, module.__spec__ = spec.origin, spec
    sys.modules[spec.name] = module
    setattr(importlib.import_module(package), name, module)


load_when_used("scipy", "stats")
